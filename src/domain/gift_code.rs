//! Lists of bought gift codes: CSV with the columns amount, currency, code and expires. Read whole or not at all.

use super::money::{Currency, Money};
use super::sepa::read_decimal;
use super::time::At;

/// One code that was bought. No `Debug`: it is as good as money.
#[derive(Clone, PartialEq, Eq)]
pub struct Bought {
    /// Of the file, from 1, the heading being the first.
    pub line: u64,
    pub amount: Money,
    pub code: String,
    /// The end of that day, UTC.
    pub expires_at: Option<At>,
}

/// Codes that end sooner are not given out: people put them aside.
pub const SHELF_LIFE_DAYS: i64 = 30;
const LINES_MAX: usize = 5000;

/// Reads the list. The error names the first line that is wrong, and never its code.
pub fn read(text: &str) -> Result<Vec<Bought>, String> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let headings = reader.headers().map_err(|_| "The heading cannot be read.".to_owned())?.clone();
    let column = |name: &str| headings.iter().position(|heading| heading.eq_ignore_ascii_case(name));
    let (Some(amount), Some(currency), Some(code)) = (column("amount"), column("currency"), column("code")) else {
        return Err("The first line names the columns amount, currency, code and expires.".to_owned());
    };
    let expires = column("expires");
    let mut bought: Vec<Bought> = Vec::new();
    for (n, record) in reader.records().enumerate() {
        let line = n as u64 + 2;
        let wrong = |what: &str| format!("Line {line}: {what}");
        let record = record.map_err(|_| wrong("it has not as many fields as the heading."))?;
        let field = |place: usize| record.get(place).unwrap_or("");
        let currency = Currency::parse(field(currency)).ok_or_else(|| wrong("the currency is none of ISO 4217."))?;
        let minor = read_decimal(field(amount), currency).filter(|minor| *minor > 0);
        let minor = minor.ok_or_else(|| wrong("the amount is not a sum such as 10.00."))?;
        let code = field(code);
        if !(4..=100).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("the code has 4 to 100 visible characters."));
        }
        let expires_at = match expires.map(field).filter(|text| !text.is_empty()) {
            None => None,
            Some(day) => {
                let end = At::parse(&format!("{day}T23:59:59Z"));
                Some(end.ok_or_else(|| wrong("the day it expires is written like 2027-12-31."))?)
            }
        };
        if let Some(first) = bought.iter().find(|other| other.code == code) {
            return Err(wrong(&format!("the code is that of line {}.", first.line)));
        }
        bought.push(Bought { line, amount: Money::new(minor, currency), code: code.to_owned(), expires_at });
        if bought.len() > LINES_MAX {
            return Err(format!("At most {LINES_MAX} codes at a time."));
        }
    }
    if bought.is_empty() { Err("There is no code in it.".to_owned()) } else { Ok(bought) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let read = |text: &str| read(text).map(|all| all.len());
        let head = "amount,currency,code,expires\n";
        assert_eq!(read(&format!("{head}10.00,EUR,ABCD-1,2027-12-31\n5,EUR,ABCD-2,\n")), Ok(2));
        assert_eq!(
            read("code;amount\n"),
            Err("The first line names the columns amount, currency, code and expires.".into())
        );
        for (line, about) in [
            ("0,EUR,ABCD,", "amount"),
            ("1.005,EUR,ABCD,", "amount"),
            ("1,QQQ,ABCD,", "currency"),
            ("1,EUR,A,", "code"),
            ("1,EUR,ABCD,tomorrow", "expires"),
            ("1,EUR,SAME,\n2,EUR,SAME,", "line 2"),
        ] {
            let told = read(&format!("{head}{line}\n")).expect_err("wrong");
            assert!(told.contains(about) && !told.contains("ABCD"), "{told}");
        }
    }
}
