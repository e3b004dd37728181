//! Clients' money, day by day: what the ledger says that the platform holds for brands and workers, beside what the bank
//! says that it holds. Each difference is named.

use serde::{Deserialize, Serialize};

use super::ledger::AccountKind;
use super::money::{Currency, Money};
use super::statement::CLOSES_AFTER_SECS;
use super::time::At;

/// A calendar day, UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Day(jiff::civil::Date);

impl Day {
    /// `2026-03-10`.
    pub fn parse(text: &str) -> Option<Day> {
        let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        text.parse().ok().filter(|_| plain).map(Day)
    }

    /// When it is over; none for the last day of all.
    pub fn end(self) -> Option<At> {
        let next = self.0.tomorrow().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(At::from_timestamp(next.timestamp()))
    }

    /// The last day whose books are closed at `now`.
    pub fn last_closed(now: At) -> Day {
        let date = now.plus_secs(-CLOSES_AFTER_SECS).timestamp().to_zoned(jiff::tz::TimeZone::UTC).date();
        Day(date.yesterday().unwrap_or(date))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One currency of a day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SafeguardLine {
    pub currency: Currency,
    pub brand_available_minor: i64,
    pub brand_escrow_minor: i64,
    pub brand_reserve_minor: i64,
    pub worker_available_minor: i64,
    /// On its way: what was sent may have left the bank before it is settled here.
    pub worker_in_payout_minor: i64,
    /// The sum of the above: what the bank must hold for clients.
    pub client_money_minor: i64,
    /// The platform's own, earned until then; it may have been taken out of the bank.
    pub fees_minor: i64,
    /// Null when nobody recorded it.
    pub bank_minor: Option<i64>,
    /// Bank less clients' money.
    pub difference_minor: Option<i64>,
    /// `matches`, `short`, `over` or `not_recorded`.
    pub status: String,
    pub sentence: String,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SafeguardReport {
    pub day: String,
    /// Whether the bank holds exactly the clients' money, in every currency.
    pub matches: bool,
    pub currencies: Vec<SafeguardLine>,
}

impl SafeguardReport {
    /// From the balances by kind of account at the end of the day, and what the bank held then.
    pub fn of(day: Day, books: &[(AccountKind, Currency, i64)], bank: &[(Currency, i64)]) -> SafeguardReport {
        let mut known: Vec<Currency> = books.iter().map(|(_, c, _)| *c).chain(bank.iter().map(|(c, _)| *c)).collect();
        known.sort_unstable();
        known.dedup();
        let currencies: Vec<SafeguardLine> = known.into_iter().map(|currency| line(currency, books, bank)).collect();
        SafeguardReport { day: day.to_string(), matches: currencies.iter().all(|c| c.status == "matches"), currencies }
    }

    /// For a terminal.
    pub fn table(&self) -> String {
        let mut text = format!("Clients' money at the end of {} (UTC)\n", self.day);
        if self.currencies.is_empty() {
            text.push_str("There was none.\n");
        }
        for line in &self.currencies {
            let rows = [
                ("brands, available", Some(line.brand_available_minor)),
                ("brands, set aside for missions", Some(line.brand_escrow_minor)),
                ("brands, set aside for the pay floor", Some(line.brand_reserve_minor)),
                ("workers, available", Some(line.worker_available_minor)),
                ("workers, on its way", Some(line.worker_in_payout_minor)),
                ("must lie at the bank", Some(line.client_money_minor)),
                ("the bank says", line.bank_minor),
            ];
            for (name, minor) in rows {
                let amount = minor.map_or("not recorded".to_owned(), |m| Money::new(m, line.currency).to_string());
                text.push_str(&format!("  {name:<36} {amount:>24}\n"));
            }
            text.push_str(&format!("  {}\n", line.sentence));
        }
        text
    }
}

fn line(currency: Currency, books: &[(AccountKind, Currency, i64)], bank: &[(Currency, i64)]) -> SafeguardLine {
    let of = |kind: AccountKind| -> i64 {
        books.iter().filter(|(k, c, _)| *k == kind && *c == currency).map(|(_, _, minor)| *minor).sum()
    };
    let client: i64 = AccountKind::ALL.iter().copied().filter(|kind| kind.is_client_money()).map(of).sum();
    let fees = of(AccountKind::Fees);
    let held = bank.iter().find(|(c, _)| *c == currency).map(|(_, minor)| *minor);
    let difference = held.map(|held| held.saturating_sub(client));
    let money = |minor: i64| Money::new(minor, currency);
    let (status, sentence) = match difference {
        None if client == 0 => ("matches", "There is no clients' money.".to_owned()),
        None => ("not_recorded", format!("Nobody recorded what the bank held; it must be {}.", money(client))),
        Some(0) => ("matches", "The bank holds exactly the clients' money.".to_owned()),
        Some(d) if d < 0 => ("short", format!("The bank holds {} too little for clients.", money(d.saturating_abs()))),
        Some(d) => {
            let own = if d <= fees { "; it may be fees that were not taken out yet" } else { "" };
            ("over", format!("The bank holds {} more than the clients' money{own}.", money(d)))
        }
    };
    SafeguardLine {
        currency,
        brand_available_minor: of(AccountKind::BrandAvailable),
        brand_escrow_minor: of(AccountKind::BrandEscrow),
        brand_reserve_minor: of(AccountKind::BrandReserve),
        worker_available_minor: of(AccountKind::WorkerAvailable),
        worker_in_payout_minor: of(AccountKind::WorkerInPayout),
        client_money_minor: client,
        fees_minor: fees,
        bank_minor: held,
        difference_minor: difference,
        status: status.to_owned(),
        sentence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named() {
        let day = Day::parse("2026-03-10").expect("a day");
        assert_eq!(day.end().map(|at| at.to_string()).as_deref(), Some("2026-03-11T00:00:00Z"));
        assert_eq!(Day::parse("2026-3-10"), None);
        assert_eq!(Day::last_closed(At::parse("2026-03-11T00:59:59Z").expect("valid")).to_string(), "2026-03-09");
        let books = [
            (AccountKind::BrandAvailable, Currency::CHF, 500),
            (AccountKind::WorkerInPayout, Currency::CHF, 70),
            (AccountKind::Fees, Currency::CHF, 30),
            (AccountKind::Funding, Currency::CHF, -600),
        ];
        let status = |bank: &[(Currency, i64)]| {
            let report = SafeguardReport::of(day, &books, bank);
            (report.matches, report.currencies[0].status.clone(), report.currencies[0].difference_minor)
        };
        assert_eq!(status(&[]), (false, "not_recorded".to_owned(), None));
        assert_eq!(status(&[(Currency::CHF, 570)]), (true, "matches".to_owned(), Some(0)));
        assert_eq!(status(&[(Currency::CHF, 560)]), (false, "short".to_owned(), Some(-10)));
        assert_eq!(status(&[(Currency::CHF, 600)]), (false, "over".to_owned(), Some(30)));
        assert!(SafeguardReport::of(day, &books, &[(Currency::CHF, 600)]).table().contains("not taken out yet"));
        assert!(SafeguardReport::of(day, &[], &[]).matches);
    }
}
