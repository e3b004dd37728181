//! Decimal text as an exact number of millionths, so that prices and limits are compared without floats.

use std::fmt;

const MILLION: i64 = 1_000_000;

/// Up to 12 digits before the point and 6 after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Decimal(i64);

impl Decimal {
    /// `-12.50`; `None` for signs other than `-`, exponents, missing digits and numbers that are too long.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits =
            |s: &str, most: usize| !s.is_empty() && s.len() <= most && s.bytes().all(|b| b.is_ascii_digit());
        if !are_digits(whole, 12) || !are_digits(part, 6) {
            return None;
        }
        let millionths = whole.parse::<i64>().ok()? * MILLION + format!("{part:0<6}").parse::<i64>().ok()?;
        Some(Decimal(if negative { -millionths } else { millionths }))
    }

    pub fn whole(n: i64) -> Option<Decimal> {
        n.checked_mul(MILLION).map(Decimal)
    }

    /// In minor units of a currency with this many digits; `None` when it has more digits than that.
    pub fn minor(self, digits: u32) -> Option<i64> {
        let unit = 10_i64.checked_pow(6_u32.checked_sub(digits)?)?;
        (self.0 % unit == 0).then_some(self.0 / unit)
    }

    /// For expressions only, never for pay.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / MILLION as f64
    }

    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Decimal {
    /// Without needless zeros: `2.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, size) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let (whole, part) = (size / MILLION as u64, size % MILLION as u64);
        match part {
            0 => write!(f, "{sign}{whole}"),
            _ => write!(f, "{sign}{whole}.{}", format!("{part:06}").trim_end_matches('0')),
        }
    }
}

/// Limits, both included; an absent one does not limit.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Range {
    pub min: Option<Decimal>,
    pub max: Option<Decimal>,
}

impl Range {
    pub fn holds(&self, value: Decimal) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }

    pub fn is_reversed(&self) -> bool {
        matches!((self.min, self.max), (Some(min), Some(max)) if min > max)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (Some(min), None) => write!(f, "{min} or more"),
            (None, Some(max)) => write!(f, "{max} or less"),
            (None, None) => f.write_str("any"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        let read = |text: &str| Decimal::parse(text).map(|d| d.to_string());
        assert_eq!(read("2.490"), Some("2.49".into()));
        assert_eq!(read("-0.000001"), Some("-0.000001".into()));
        assert_eq!(read("999999999999.999999"), Some("999999999999.999999".into()));
        for bad in ["", ".", "1.", ".5", "+1", "1e3", "1,5", "0.0000001", "1000000000000", "--1", "١", "NaN", " 1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        assert_eq!(Decimal::parse("2.49").and_then(|d| d.minor(2)), Some(249));
        assert_eq!(Decimal::parse("2.495").and_then(|d| d.minor(2)), None);
        assert_eq!(Decimal::parse("400").and_then(|d| d.minor(0)), Some(400));
        assert!(Decimal::parse("0.1") < Decimal::parse("0.10001"));
    }
}
