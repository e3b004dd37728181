//! Money: whole minor units of one currency, checked arithmetic. Keeps I02: no float comes near an amount.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub const CHF: Currency = Currency(iso_currency::Currency::CHF);
    pub const EUR: Currency = Currency(iso_currency::Currency::EUR);

    pub fn parse(code: &str) -> Option<Currency> {
        iso_currency::Currency::from_code(code).map(Currency)
    }

    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the point: 2 for EUR, 0 for JPY.
    pub fn exponent(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Currency {
    type Err = ();
    fn from_str(code: &str) -> Result<Currency, ()> {
        Currency::parse(code).ok_or(())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Currency, D::Error> {
        let code = String::deserialize(d)?;
        Currency::parse(&code).ok_or_else(|| serde::de::Error::custom("not an ISO 4217 currency code, such as CHF"))
    }
}

/// An amount in minor units (cents, centimes). May be negative in a sum; the ledger refuses a transfer below 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Money {
    #[serde(rename = "amount_minor")]
    pub minor: i64,
    pub currency: Currency,
}

/// Two amounts could not be put together: other currency, or beyond 64 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MoneyError;

impl Money {
    pub fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    pub fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    pub fn add(self, other: Money) -> Result<Money, MoneyError> {
        self.with(other, i64::checked_add)
    }

    pub fn sub(self, other: Money) -> Result<Money, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    pub fn times(self, n: i64) -> Result<Money, MoneyError> {
        let minor = self.minor.checked_mul(n).ok_or(MoneyError)?;
        Ok(Money { minor, ..self })
    }

    /// `numerator / denominator` of this amount, rounded half up; both must be positive.
    pub fn share(self, numerator: i64, denominator: i64) -> Result<Money, MoneyError> {
        if denominator <= 0 || numerator < 0 {
            return Err(MoneyError);
        }
        let exact = i128::from(self.minor) * i128::from(numerator);
        let rounded = (2 * exact + i128::from(denominator)).div_euclid(2 * i128::from(denominator));
        Ok(Money { minor: i64::try_from(rounded).map_err(|_| MoneyError)?, ..self })
    }

    fn with(self, other: Money, f: impl Fn(i64, i64) -> Option<i64>) -> Result<Money, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError);
        }
        Ok(Money { minor: f(self.minor, other.minor).ok_or(MoneyError)?, ..self })
    }
}

impl Money {
    /// `12.50`
    pub fn decimal(self) -> String {
        let digits = self.currency.exponent();
        let unit = 10_u64.pow(digits);
        let (sign, whole) = (if self.minor < 0 { "-" } else { "" }, self.minor.unsigned_abs());
        match digits {
            0 => format!("{sign}{whole}"),
            _ => format!("{sign}{}.{:0width$}", whole / unit, whole % unit, width = digits as usize),
        }
    }
}

impl fmt::Display for Money {
    /// `CHF 12.50`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.decimal())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_only_in_one_currency_and_never_wrap() {
        let five = Money::new(500, Currency::CHF);
        assert_eq!(five.add(Money::new(250, Currency::CHF)), Ok(Money::new(750, Currency::CHF)));
        assert_eq!(five.add(Money::new(1, Currency::EUR)), Err(MoneyError));
        assert_eq!(Money::new(i64::MAX, Currency::CHF).add(five), Err(MoneyError));
        assert_eq!(Money::new(i64::MIN, Currency::CHF).sub(five), Err(MoneyError));
    }

    #[test]
    fn a_share_is_rounded_half_up_without_floats() {
        let of = |minor, n, d| Money::new(minor, Currency::CHF).share(n, d).map(|m| m.minor);
        assert_eq!(of(101, 1, 2), Ok(51));
        assert_eq!(of(100, 2, 3), Ok(67));
        assert_eq!(of(i64::MAX, 10_000, 10_000), Ok(i64::MAX));
        assert_eq!(of(1, 1, 0), Err(MoneyError));
    }

    #[test]
    fn amounts_are_written_with_their_digits() {
        assert_eq!(Money::new(-1205, Currency::CHF).to_string(), "CHF -12.05");
        let yen = Currency::parse("JPY").expect("a currency");
        assert_eq!(Money::new(400, yen).to_string(), "JPY 400");
    }
}
