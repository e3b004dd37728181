//! A statement of account for a period: what there was, every movement, what is left. The same bytes for ever: nothing in
//! it can change later, and a period is closed only when no transaction that began in it can still end.

use serde::{Deserialize, Serialize};

use super::ids::JournalId;
use super::money::{Currency, Money, MoneyError};
use super::refusal::{Code, FieldError, Refusal};
use super::time::At;

/// A journal bears the time at which its transaction began. One that began in a period may end after it, but not this
/// long after: requests are cut off long before.
pub const CLOSES_AFTER_SECS: i64 = 3600;
/// Longest period of one statement.
pub const PERIOD_DAYS_MAX: i64 = 400;

/// From `from` on, up to and without `to`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    pub from: At,
    pub to: At,
}

impl Period {
    /// Refuses a period that is none, or whose books are still open at `now`.
    pub fn closed(from: At, to: At, now: At) -> Result<Period, Refusal> {
        if to <= from {
            return Err(Refusal::field("to", "before_start", "The period must end after it begins."));
        }
        if to > from.plus_days(PERIOD_DAYS_MAX) {
            let detail = format!("A statement covers at most {PERIOD_DAYS_MAX} days.");
            return Err(Refusal::fields(Code::InvalidRequest, vec![FieldError::new("to", "too_long", detail)]));
        }
        let closes = to.plus_secs(CLOSES_AFTER_SECS);
        if now < closes {
            let refusal = Refusal::new(Code::PeriodOpen, format!("The books of this period close at {closes}."));
            return Err(Refusal { retry_after_secs: u64::try_from(closes.secs_since(now)).ok(), ..refusal });
        }
        Ok(Period { from, to })
    }
}

/// What one journal did to the owner's accounts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Movement {
    pub journal: JournalId,
    pub at: At,
    pub kind: String,
    /// What it is about: a mission, a visit, a campaign, a journal that was reversed, or the owner.
    pub subject: String,
    pub currency: Currency,
    pub available_minor: i64,
    pub held_minor: i64,
    /// The platform's fee that was taken beside it.
    pub fee_minor: i64,
}

/// A line of a statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Line {
    pub journal_id: JournalId,
    pub at: At,
    /// The kind of the journal, as `fieldproof chart` explains it.
    pub kind: String,
    pub subject: String,
    /// What was added to, or taken from, what the owner can have now.
    pub available_change_minor: i64,
    /// The same of what is set aside for missions, or on its way to the worker.
    pub held_change_minor: i64,
    pub platform_fee_minor: i64,
    /// After this line.
    pub available_minor: i64,
    pub held_minor: i64,
}

/// The money of one currency.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Section {
    pub currency: Currency,
    pub opening_available_minor: i64,
    pub opening_held_minor: i64,
    pub closing_available_minor: i64,
    pub closing_held_minor: i64,
    pub lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Statement {
    /// The brand or the worker.
    pub owner_id: String,
    pub from: At,
    pub to: At,
    /// One a currency that the owner ever had money in before the end of the period.
    pub currencies: Vec<Section>,
}

/// What there was when a period began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    pub currency: Currency,
    pub available_minor: i64,
    pub held_minor: i64,
}

impl Statement {
    /// From the opening balances by currency, and the movements in the order of their journals.
    pub fn of(
        owner: &str,
        period: Period,
        openings: &[Opening],
        movements: &[Movement],
    ) -> Result<Statement, MoneyError> {
        let mut currencies = Vec::new();
        for opening in openings {
            let (mut available, mut held) = (opening.available_minor, opening.held_minor);
            let mut lines = Vec::new();
            for one in movements.iter().filter(|one| one.currency == opening.currency) {
                available = available.checked_add(one.available_minor).ok_or(MoneyError)?;
                held = held.checked_add(one.held_minor).ok_or(MoneyError)?;
                lines.push(Line {
                    journal_id: one.journal.clone(),
                    at: one.at,
                    kind: one.kind.clone(),
                    subject: one.subject.clone(),
                    available_change_minor: one.available_minor,
                    held_change_minor: one.held_minor,
                    platform_fee_minor: one.fee_minor,
                    available_minor: available,
                    held_minor: held,
                });
            }
            currencies.push(Section {
                currency: opening.currency,
                opening_available_minor: opening.available_minor,
                opening_held_minor: opening.held_minor,
                closing_available_minor: available,
                closing_held_minor: held,
                lines,
            });
        }
        Ok(Statement { owner_id: owner.to_owned(), from: period.from, to: period.to, currencies })
    }

    /// Heads of the columns of the table.
    pub const HEADS: [&'static str; 10] = [
        "currency",
        "at",
        "kind",
        "journal",
        "subject",
        "available change",
        "held change",
        "platform fee",
        "available",
        "held",
    ];

    /// The statement as a table: opening, lines and closing of each currency, amounts as decimal numbers.
    pub fn rows(&self) -> Vec<[String; 10]> {
        let mut rows = Vec::new();
        for section in &self.currencies {
            let money = |minor: i64| Money::new(minor, section.currency).decimal();
            let currency = || section.currency.to_string();
            let edge = |kind: &str, at: At, available: i64, held: i64| {
                let none = String::new;
                let (available, held) = (money(available), money(held));
                [currency(), at.to_string(), kind.to_owned(), none(), none(), none(), none(), none(), available, held]
            };
            rows.push(edge("opening", self.from, section.opening_available_minor, section.opening_held_minor));
            rows.extend(section.lines.iter().map(|line| {
                [
                    currency(),
                    line.at.to_string(),
                    line.kind.clone(),
                    line.journal_id.to_string(),
                    line.subject.clone(),
                    money(line.available_change_minor),
                    money(line.held_change_minor),
                    money(line.platform_fee_minor),
                    money(line.available_minor),
                    money(line.held_minor),
                ]
            }));
            rows.push(edge("closing", self.to, section.closing_available_minor, section.closing_held_minor));
        }
        rows
    }

    /// For spreadsheets. Every cell is made here or by the ledger: none needs quotes.
    pub fn csv(&self) -> String {
        let heads = Statement::HEADS.map(|head| head.replace(' ', "_")).join(",");
        let lines = self.rows().into_iter().map(|row| row.join(","));
        std::iter::once(heads).chain(lines).map(|line| line + "\r\n").collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At::parse(text).expect("valid")
    }

    #[test]
    fn a_period_closes_an_hour_after_its_end() {
        let (from, to) = (at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z"));
        assert!(Period::closed(from, to, to.plus_secs(3600)).is_ok());
        let early = Period::closed(from, to, to.plus_secs(3599)).expect_err("the books are open");
        assert_eq!((early.code, early.retry_after_secs), (Code::PeriodOpen, Some(1)));
        let codes = [Period::closed(to, to, to), Period::closed(from, from.plus_days(401), to)];
        assert!(codes.iter().all(|one| one.as_ref().is_err_and(|refusal| refusal.code == Code::InvalidRequest)));
    }

    #[test]
    fn a_statement_carries_each_balance_from_line_to_line() {
        let period = Period { from: at("2026-03-01T00:00:00Z"), to: at("2026-04-01T00:00:00Z") };
        let movement = |n: u128, kind: &str, available_minor, held_minor, fee_minor| Movement {
            journal: JournalId::from_bits(n),
            at: period.from,
            kind: kind.to_owned(),
            subject: "mis_1".to_owned(),
            currency: Currency::CHF,
            available_minor,
            held_minor,
            fee_minor,
        };
        let opening = Opening { currency: Currency::CHF, available_minor: 100_000, held_minor: 0 };
        let moved = [movement(1, "hold", -24_000, 24_000, 0), movement(2, "approval", 0, -1_440, 240)];
        let made = Statement::of("brd_1", period, &[opening], &moved).expect("small");
        let section = &made.currencies[0];
        assert_eq!((section.closing_available_minor, section.closing_held_minor), (76_000, 22_560));
        let csv = made.csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines[1], "CHF,2026-03-01T00:00:00Z,opening,,,,,,1000.00,0.00");
        assert!(lines[3].ends_with(",mis_1,0.00,-14.40,2.40,760.00,225.60"), "{}", lines[3]);
        assert_eq!(lines[4], "CHF,2026-04-01T00:00:00Z,closing,,,,,,760.00,225.60");
    }
}
