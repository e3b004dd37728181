DROP TABLE cap_alerts;
DROP TABLE bank_balances;
DROP TABLE floor_checks;
DROP TABLE reversals;
DROP TABLE bonuses;
DROP TABLE budgets;
DROP TABLE fee_rates;
