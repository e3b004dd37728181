//! What many visits say together: availability, facings and prices of each loop key, in each store and over all.
//! Three-valued: what nobody observed is counted as such and enters no denominator. Prices stay whole minor units.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::grade::Letter;
use super::ids::{StoreId, SubmissionId};
use super::money::Currency;

/// One accepted answer of a delivered visit, as far as a report looks at it.
#[derive(Clone, PartialEq, Debug)]
pub struct Observation {
    pub store: StoreId,
    pub submission: SubmissionId,
    /// How much the evidence of that visit proves.
    pub grade: Option<Letter>,
    /// Key of the innermost loop around the question: a product or a brand.
    pub key: Option<String>,
    /// The question's name.
    pub name: String,
    pub seen: Seen,
}

/// What was seen.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    /// One of the stock states; `None` when asked and not observed.
    Stock(Option<String>),
    Count(Option<i64>),
    Price(Option<(i64, Currency)>),
}

/// Stock states counted. `not_observed` holds `unknown` answers and unanswered questions.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Stock {
    pub in_stock: i64,
    pub low: i64,
    pub out_of_stock: i64,
    pub not_listed: i64,
    pub not_found: i64,
    pub not_observed: i64,
}

impl Stock {
    fn add(&mut self, state: Option<&str>) {
        *match state {
            Some("in_stock") => &mut self.in_stock,
            Some("low") => &mut self.low,
            Some("out_of_stock") => &mut self.out_of_stock,
            Some("not_listed") => &mut self.not_listed,
            Some("not_found") => &mut self.not_found,
            _ => &mut self.not_observed,
        } += 1;
    }

    /// (in stock + low) / (in stock + low + out of stock); `None` when nobody looked at a listed product.
    pub fn availability(&self) -> Option<f64> {
        let there = self.in_stock + self.low;
        let looked = there + self.out_of_stock;
        (looked > 0).then(|| there as f64 / looked as f64)
    }
}

/// One count question over the visits that observed it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Count {
    /// The question's name, `facings`.
    pub name: String,
    pub observed: i64,
    pub not_observed: i64,
    pub sum: i64,
    pub mean: Option<f64>,
}

/// Delivered visits by how much their evidence proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Grades {
    pub a: i64,
    pub b: i64,
    pub c: i64,
    pub d: i64,
    /// Visits without a photo, and visits that were decided before there were grades.
    pub ungraded: i64,
}

impl Grades {
    pub fn of(letters: impl IntoIterator<Item = Option<Letter>>) -> Grades {
        let mut grades = Grades::default();
        letters.into_iter().for_each(|letter| grades.add(letter));
        grades
    }

    pub fn add(&mut self, letter: Option<Letter>) {
        *match letter {
            Some(Letter::A) => &mut self.a,
            Some(Letter::B) => &mut self.b,
            Some(Letter::C) => &mut self.c,
            Some(Letter::D) => &mut self.d,
            None => &mut self.ungraded,
        } += 1;
    }

    pub fn join(&mut self, more: Grades) {
        self.a += more.a;
        self.b += more.b;
        self.c += more.c;
        self.d += more.d;
        self.ungraded += more.ungraded;
    }

    /// The worst letter that a visit has; `None` when none has one.
    pub fn worst(self) -> Option<Letter> {
        let counts = [(self.d, Letter::D), (self.c, Letter::C), (self.b, Letter::B), (self.a, Letter::A)];
        counts.into_iter().find(|(n, _)| *n > 0).map(|(_, letter)| letter)
    }
}

/// Prices in one currency. The median of an even number is the middle of the two, rounded half up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Prices {
    pub currency: Currency,
    pub observed: i64,
    pub min_minor: i64,
    pub median_minor: i64,
    pub max_minor: i64,
}

/// Everything observed about one key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Product or brand key; null for questions outside every loop.
    pub key: Option<String>,
    /// Delivered visits that were asked about it.
    pub visits: i64,
    pub stock: Stock,
    pub availability: Option<f64>,
    pub counts: Vec<Count>,
    pub prices: Vec<Prices>,
    /// The same visits by grade.
    pub grades: Grades,
}

/// Sums observations by key.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<Option<String>, Sums>);

#[derive(Clone, Debug, Default)]
struct Sums {
    visits: BTreeMap<SubmissionId, Option<Letter>>,
    stock: Stock,
    counts: BTreeMap<String, (i64, i64, i64)>,
    prices: BTreeMap<Currency, Vec<i64>>,
}

impl Tally {
    pub fn add(&mut self, seen: &Observation) {
        let sums = self.0.entry(seen.key.clone()).or_default();
        sums.visits.insert(seen.submission.clone(), seen.grade);
        match &seen.seen {
            Seen::Stock(state) => sums.stock.add(state.as_deref()),
            Seen::Count(count) => {
                let (observed, not_observed, sum) = sums.counts.entry(seen.name.clone()).or_default();
                match count {
                    Some(n) => (*observed, *sum) = (*observed + 1, sum.saturating_add(*n)),
                    None => *not_observed += 1,
                }
            }
            Seen::Price(Some((minor, currency))) => sums.prices.entry(*currency).or_default().push(*minor),
            Seen::Price(None) => {}
        }
    }

    /// One line a key, in the order of the keys.
    pub fn lines(self) -> Vec<Line> {
        self.0.into_iter().map(|(key, sums)| sums.line(key)).collect()
    }
}

impl Sums {
    fn line(self, key: Option<String>) -> Line {
        let counts = self.counts.into_iter().map(|(name, (observed, not_observed, sum))| Count {
            name,
            observed,
            not_observed,
            sum,
            mean: (observed > 0).then(|| sum as f64 / observed as f64),
        });
        let prices = self.prices.into_iter().map(|(currency, minors)| prices(currency, minors));
        Line {
            key,
            visits: i64::try_from(self.visits.len()).unwrap_or(i64::MAX),
            availability: self.stock.availability(),
            stock: self.stock,
            counts: counts.collect(),
            prices: prices.collect(),
            grades: Grades::of(self.visits.into_values()),
        }
    }
}

/// `minors` is not empty: a currency is known by its first price.
fn prices(currency: Currency, mut minors: Vec<i64>) -> Prices {
    minors.sort_unstable();
    let n = minors.len();
    let (low, high) = (minors[(n - 1) / 2], minors[n / 2]);
    let middle = (i128::from(low) + i128::from(high) + 1).div_euclid(2);
    Prices {
        currency,
        observed: i64::try_from(n).unwrap_or(i64::MAX),
        min_minor: minors[0],
        median_minor: i64::try_from(middle).unwrap_or(high),
        max_minor: minors[n - 1],
    }
}

/// One cell of a CSV file: quoted where needed, and text that a spreadsheet would run as a formula is defused with `'`.
pub fn csv_cell(text: &str) -> String {
    let runs = text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r', '\n']);
    let safe = if runs { format!("'{text}") } else { text.to_owned() };
    if safe.contains(['"', ',', ';', '\n', '\r', '\t']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saw(visit: u128, key: &str, name: &str, seen: Seen) -> Observation {
        let (store, submission) = (StoreId::from_bits(1), SubmissionId::from_bits(visit));
        let grade = if visit.is_multiple_of(2) { Some(Letter::B) } else { None };
        Observation { store, submission, grade, key: Some(key.to_owned()), name: name.to_owned(), seen }
    }

    fn stock(state: &str) -> Seen {
        Seen::Stock(Some(state.to_owned()))
    }

    #[test]
    fn what_was_not_observed_is_in_no_denominator() {
        let mut tally = Tally::default();
        for (visit, seen) in
            [stock("in_stock"), stock("out_of_stock"), stock("unknown"), Seen::Stock(None), stock("not_listed")]
                .into_iter()
                .enumerate()
        {
            tally.add(&saw(visit as u128, "acme", "state", seen));
        }
        tally.add(&saw(0, "acme", "facings", Seen::Count(Some(4))));
        tally.add(&saw(1, "acme", "facings", Seen::Count(Some(0))));
        tally.add(&saw(2, "acme", "facings", Seen::Count(None)));
        let lines = tally.lines();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].visits, 5);
        assert_eq!(lines[0].grades, Grades { b: 3, ungraded: 2, ..Grades::default() });
        assert_eq!(lines[0].grades.worst(), Some(Letter::B));
        assert_eq!(lines[0].availability, Some(0.5));
        assert_eq!(lines[0].stock.not_observed, 2);
        let mean = Some(2.0);
        assert_eq!(lines[0].counts, [Count { name: "facings".to_owned(), observed: 2, not_observed: 1, sum: 4, mean }]);
    }

    #[test]
    fn nothing_observed_gives_no_rate_and_no_mean() {
        let mut tally = Tally::default();
        tally.add(&saw(1, "acme", "state", Seen::Stock(None)));
        tally.add(&saw(1, "acme", "facings", Seen::Count(None)));
        tally.add(&saw(1, "acme", "price", Seen::Price(None)));
        let lines = tally.lines();
        assert_eq!((lines[0].availability, lines[0].counts[0].mean, lines[0].prices.len()), (None, None, 0));
    }

    #[test]
    fn prices_are_kept_apart_by_currency_and_have_a_middle() {
        let mut tally = Tally::default();
        for minor in [300, 100, 201, 200] {
            tally.add(&saw(1, "a", "price", Seen::Price(Some((minor, Currency::CHF)))));
        }
        tally.add(&saw(1, "a", "price", Seen::Price(Some((99, Currency::EUR)))));
        let prices = &tally.lines()[0].prices;
        assert_eq!(prices.len(), 2);
        let chf = prices.iter().find(|p| p.currency == Currency::CHF).expect("francs were seen");
        assert_eq!((chf.min_minor, chf.median_minor, chf.max_minor, chf.observed), (100, 201, 300, 4));
    }

    #[test]
    fn a_cell_never_runs_as_a_formula() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("@x, y"), "\"'@x, y\"");
        assert_eq!(csv_cell(" -2"), "' -2");
        assert_eq!(csv_cell("Migros \"City\""), "\"Migros \"\"City\"\"\"");
        assert_eq!(csv_cell("plain"), "plain");
    }
}
