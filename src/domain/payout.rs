//! Money leaving to the worker through a rail: the states of a payout and of a batch, when a method may be paid to, what
//! a machine checks before people let a batch go, and when an earning can be expected. Values only.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, ToSpan};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::ids::{PayoutId, UserId};
use super::money::{Currency, Money};
use super::sepa::{Debtor, in_sepa};
use super::time::At;

text_enum! {
    /// `bank`: transfers in a file that a person takes to the bank. `test` moves no money.
    Rail { Bank = "bank", PayPal = "paypal", Voucher = "voucher", Test = "test" }
}

text_enum! {
    /// `sending`: the order may or may not have reached the bank; only the bank can tell. `failed`: the rail refused it, so
    /// no money left. `cancelled`: the worker took it back before it was let go.
    PayoutState {
        Requested = "requested", Approved = "approved", Sending = "sending", Sent = "sent",
        Settled = "settled", Returned = "returned", Failed = "failed", Cancelled = "cancelled"
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PayoutMove {
    Cancel,
    Approve,
    Withdraw,
    Send,
    Accepted,
    Settle,
    Return,
    Fail,
}

impl PayoutMove {
    pub const ALL: &'static [PayoutMove] = &[
        PayoutMove::Cancel,
        PayoutMove::Approve,
        PayoutMove::Withdraw,
        PayoutMove::Send,
        PayoutMove::Accepted,
        PayoutMove::Settle,
        PayoutMove::Return,
        PayoutMove::Fail,
    ];
}

impl PayoutState {
    pub fn next(self, step: PayoutMove) -> Option<PayoutState> {
        use PayoutMove as M;
        use PayoutState::*;
        match (self, step) {
            (Requested, M::Cancel) => Some(Cancelled),
            (Requested, M::Approve) => Some(Approved),
            (Approved, M::Send) => Some(Sending),
            // Its batch was withdrawn before anybody had the file.
            (Approved, M::Withdraw) => Some(Requested),
            (Sending, M::Accepted) => Some(Sent),
            (Sending | Sent, M::Fail) => Some(Failed),
            (Sent, M::Settle) => Some(Settled),
            // A bank may send back what it had settled.
            (Sent | Settled, M::Return) => Some(Returned),
            _ => None,
        }
    }

    /// Nothing more is expected of the rail.
    pub fn ended(self) -> bool {
        use PayoutState::*;
        matches!(self, Settled | Returned | Failed | Cancelled)
    }
}

text_enum! {
    BatchState {
        Prepared = "prepared", Checked = "checked", Approved = "approved", Sent = "sent",
        Reconciled = "reconciled", Discarded = "discarded"
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchMove {
    Check,
    Approve,
    Sent,
    Reconcile,
    Discard,
    Withdraw,
}

impl BatchMove {
    pub const ALL: &'static [BatchMove] = &[
        BatchMove::Check,
        BatchMove::Approve,
        BatchMove::Sent,
        BatchMove::Reconcile,
        BatchMove::Discard,
        BatchMove::Withdraw,
    ];
}

impl BatchState {
    pub fn next(self, step: BatchMove) -> Option<BatchState> {
        use BatchMove as M;
        use BatchState::*;
        match (self, step) {
            // Checked again when something changed in between.
            (Prepared | Checked, M::Check) => Some(Checked),
            (Checked, M::Approve) => Some(Approved),
            (Approved, M::Sent) => Some(Sent),
            (Sent, M::Reconcile) => Some(Reconciled),
            (Prepared | Checked, M::Discard) | (Approved, M::Withdraw) => Some(Discarded),
            _ => None,
        }
    }
}

text_enum! {
    /// What a person of finance says that a rail did.
    SaidByHand { Settled = "settled", Returned = "returned", Failed = "failed" }
}

impl SaidByHand {
    /// With a reason that its worker reads.
    pub fn said(self) -> Said {
        let reason = || "People of the platform found it out from the provider.".to_owned();
        match self {
            SaidByHand::Settled => Said::Settled,
            SaidByHand::Returned => Said::Returned(reason()),
            SaidByHand::Failed => Said::Failed(reason()),
        }
    }
}

/// A new method is not paid to before: time for its owner to read the letter about it and object.
pub const HOLD_SECS: i64 = 48 * 3600;

/// Rules of the operator about money that leaves.
#[derive(Clone, Debug)]
pub struct PayoutRules {
    pub test_rail: bool,
    /// The account that bank transfers leave from; without it there are none.
    pub debtor: Option<Debtor>,
    pub paypal: bool,
    /// What a rail costs for one payout, in minor units of its currency; the worker bears it and sees it before.
    pub bank_cost_minor: i64,
    pub paypal_cost_minor: i64,
    pub voucher_cost_minor: i64,
    /// Hour of the daily run, UTC.
    pub run_hour: i8,
    /// A single payout above it is a doubt.
    pub limit_minor: i64,
    /// A batch above it, or one with a doubt, is approved with a second factor.
    pub step_up_minor: i64,
    /// Payouts of one worker that have not ended.
    pub open_max: i64,
}

impl Default for PayoutRules {
    fn default() -> PayoutRules {
        PayoutRules {
            test_rail: true,
            debtor: None,
            paypal: false,
            bank_cost_minor: 0,
            paypal_cost_minor: 0,
            voucher_cost_minor: 0,
            run_hour: 5,
            limit_minor: 50_000,
            step_up_minor: 100_000,
            open_max: 20,
        }
    }
}

impl PayoutRules {
    pub fn open(&self, rail: Rail) -> bool {
        match rail {
            Rail::Bank => self.debtor.is_some(),
            Rail::PayPal => self.paypal,
            Rail::Voucher => true,
            Rail::Test => self.test_rail,
        }
    }

    pub fn cost_minor(&self, rail: Rail) -> i64 {
        match rail {
            Rail::Bank => self.bank_cost_minor,
            Rail::PayPal => self.paypal_cost_minor,
            Rail::Voucher => self.voucher_cost_minor,
            Rail::Test => 0,
        }
    }

    /// The first daily run after `now`.
    pub fn next_run(&self, now: At) -> At {
        let today = now.timestamp().to_zoned(TimeZone::UTC).date();
        let run = |day: Date| {
            let at = day.at(self.run_hour, 0, 0, 0).to_zoned(TimeZone::UTC).expect("every hour of UTC exists");
            At::from_timestamp(at.timestamp())
        };
        if run(today) > now { run(today) } else { run(today.saturating_add(1.day())) }
    }

    /// The day on which money that was earned at `earned` can be with the worker: the first daily run after it and after
    /// the hold of the method, and what the rail then takes. Without a method: by bank, added when the money was earned.
    pub fn expected_on(&self, earned: At, method: Option<(Rail, At)>) -> Date {
        let (rail, payable_at) = method.unwrap_or((Rail::Bank, earned.plus_secs(HOLD_SECS)));
        let run = self.next_run(earned.max(payable_at)).timestamp().to_zoned(TimeZone::UTC).date();
        match rail {
            // The bank takes the order on a working day and brings it on the next.
            Rail::Bank => working_day(working_day(run).saturating_add(1.day())),
            Rail::PayPal | Rail::Voucher | Rail::Test => run,
        }
    }
}

/// The day itself, or the Monday after a weekend.
pub fn working_day(day: Date) -> Date {
    match day.weekday() {
        Weekday::Saturday => day.saturating_add(2.days()),
        Weekday::Sunday => day.saturating_add(1.day()),
        _ => day,
    }
}

/// Whether a payout that was expected on one day and arrived on another is overdue: a weekend, a holiday and a day for
/// people are not.
pub fn is_overdue(expected: Date, arrived: Date) -> bool {
    arrived > expected.saturating_add(5.days())
}

/// Day of an instant, UTC.
pub fn day_of(at: At) -> Date {
    at.timestamp().to_zoned(TimeZone::UTC).date()
}

/// What a method is, as far as it matters for paying to it.
#[derive(Clone, Debug)]
pub struct Method<'a> {
    pub rail: Rail,
    /// Of the account, where it has one.
    pub country: Option<&'a str>,
    pub payable_at: At,
    pub removed: bool,
}

/// Why a method is not paid to now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocked {
    Removed,
    Closed,
    Currency,
    Held(At),
    /// Added, or still held, when its owner was suspended.
    Suspended,
    /// The sealed account does not open.
    Unreadable,
}

impl Blocked {
    pub fn code(self) -> &'static str {
        match self {
            Blocked::Removed => "removed",
            Blocked::Closed => "rail_closed",
            Blocked::Currency => "currency",
            Blocked::Held(_) => "held",
            Blocked::Suspended => "suspended",
            Blocked::Unreadable => "unreadable",
        }
    }

    pub fn sentence(self) -> String {
        match self {
            Blocked::Removed => "The method was removed.".to_owned(),
            Blocked::Closed => "This platform does not pay this way at present.".to_owned(),
            Blocked::Currency => "This method does not take that currency.".to_owned(),
            Blocked::Held(until) => format!("A new method is paid to from {until} on."),
            Blocked::Unreadable => {
                "What is kept of the method cannot be read; the people of the platform know.".to_owned()
            }
            Blocked::Suspended => {
                "While you are suspended, only methods that were good before are paid to. Your money stays yours."
                    .to_owned()
            }
        }
    }
}

impl Method<'_> {
    pub fn takes(&self, currency: Currency, rules: &PayoutRules) -> bool {
        match self.rail {
            Rail::Bank if currency == Currency::EUR => self.country.is_some_and(in_sepa),
            // Inland in Switzerland and Liechtenstein; in francs there is no SEPA.
            Rail::Bank => {
                let ours = rules.debtor.as_ref().is_some_and(Debtor::in_francs);
                currency == Currency::CHF && ours && matches!(self.country, Some("CH" | "LI"))
            }
            _ => true,
        }
    }

    /// `suspended_since` is `None` for who is not suspended.
    pub fn blocked(&self, rules: &PayoutRules, suspended_since: Option<At>, now: At) -> Option<Blocked> {
        if self.removed {
            Some(Blocked::Removed)
        } else if !rules.open(self.rail) {
            Some(Blocked::Closed)
        } else if suspended_since.is_some_and(|since| self.payable_at > since) {
            Some(Blocked::Suspended)
        } else if self.payable_at > now {
            Some(Blocked::Held(self.payable_at))
        } else {
            None
        }
    }
}

/// One payout of a batch, as the machine looks at it.
#[derive(Clone, Debug)]
pub struct Item {
    pub payout: PayoutId,
    pub worker: UserId,
    /// Of the account.
    pub mark: String,
    /// Workers beside this one whose methods have the same mark.
    pub sharers: i64,
    pub amount_minor: i64,
    pub cost_minor: i64,
    pub blocked: Option<Blocked>,
}

/// What a machine found about one payout of a batch.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Doubt {
    pub payout_id: PayoutId,
    pub code: String,
    pub detail: String,
    /// It left the batch and waits on; else two people decide, with a second factor.
    pub put_back: bool,
}

/// Doubts in the order of the items.
pub fn check_batch(items: &[Item], rules: &PayoutRules) -> Vec<Doubt> {
    let mut by_mark: BTreeMap<&str, Vec<&UserId>> = BTreeMap::new();
    for item in items {
        by_mark.entry(&item.mark).or_default().push(&item.worker);
    }
    let mut doubts = Vec::new();
    for item in items {
        let mut doubt = |code: &str, detail: String, put_back: bool| {
            doubts.push(Doubt { payout_id: item.payout.clone(), code: code.to_owned(), detail, put_back });
        };
        if let Some(blocked) = item.blocked {
            doubt(blocked.code(), blocked.sentence(), true);
        }
        if item.amount_minor <= item.cost_minor {
            doubt("below_cost", "The rail costs as much as the payout.".to_owned(), true);
        }
        let others_here = by_mark[item.mark.as_str()].iter().any(|worker| **worker != item.worker);
        if others_here || item.sharers > 0 {
            doubt("shared_account", "Another worker is paid to the same account.".to_owned(), false);
        }
        if item.amount_minor > rules.limit_minor {
            doubt("above_limit", "The amount is above the limit for one payout.".to_owned(), false);
        }
    }
    doubts
}

/// What a rail said of one order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    /// It has it, under this name.
    Accepted(String),
    Settled,
    Returned(String),
    /// Nothing left.
    Failed(String),
}

/// An order as the rail gets it. The account is in clear: no `Debug`.
#[derive(Clone)]
pub struct Order {
    pub payout: PayoutId,
    pub rail: Rail,
    /// What arrives.
    pub amount: Money,
    /// Enough of the account to recognise it.
    pub destination: String,
    pub account: Account,
    pub reference: Option<String>,
    /// It was marked so long ago that the provider may have forgotten its id: it is not sent again.
    pub forgotten: bool,
}

/// Whether a text may be the name that PayPal gave to a batch.
pub fn is_batch_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// So long after the request was last sent does a provider still know its id; later it must be looked up by a person.
pub const PROVIDER_REMEMBERS: SignedDuration = SignedDuration::from_hours(20 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At::parse(text).expect("valid")
    }

    #[test]
    fn a_day_is_expected_after_the_run_the_hold_and_the_weekend() {
        let rules = PayoutRules::default();
        // A Tuesday.
        let earned = at("2026-03-10T09:00:00Z");
        assert_eq!(rules.next_run(earned), at("2026-03-11T05:00:00Z"));
        assert_eq!(rules.next_run(at("2026-03-11T05:00:00Z")), at("2026-03-12T05:00:00Z"));
        let old = Some((Rail::Bank, at("2026-01-01T00:00:00Z")));
        assert_eq!(rules.expected_on(earned, old).to_string(), "2026-03-12");
        assert_eq!(rules.expected_on(at("2026-03-12T09:00:00Z"), old).to_string(), "2026-03-16", "Friday to Monday");
        assert_eq!(rules.expected_on(at("2026-03-13T09:00:00Z"), old).to_string(), "2026-03-17", "over the weekend");
        assert_eq!(
            rules.expected_on(earned, None).to_string(),
            "2026-03-16",
            "two days of hold, then Friday to Monday"
        );
        let code = Some((Rail::Voucher, earned));
        assert_eq!(rules.expected_on(earned, code).to_string(), "2026-03-11");
    }

    #[test]
    fn a_method_of_somebody_suspended_is_paid_to_when_it_was_good_before() {
        let rules = PayoutRules { debtor: None, ..PayoutRules::default() };
        let now = at("2026-03-10T09:00:00Z");
        let method =
            |payable: &str| Method { rail: Rail::Test, country: None, payable_at: at(payable), removed: false };
        let (old, new) = (method("2026-03-01T00:00:00Z"), method("2026-03-09T00:00:00Z"));
        let since = Some(at("2026-03-05T00:00:00Z"));
        assert_eq!(old.blocked(&rules, since, now), None);
        assert_eq!(new.blocked(&rules, since, now), Some(Blocked::Suspended));
        assert_eq!(new.blocked(&rules, None, now), None);
        let held = method("2026-03-11T00:00:00Z");
        assert_eq!(held.blocked(&rules, None, now), Some(Blocked::Held(held.payable_at)));
        let bank = Method { rail: Rail::Bank, ..old };
        assert_eq!(bank.blocked(&rules, None, now), Some(Blocked::Closed), "there is no account to pay from");
        let from = |iban: &str| {
            let debtor = Debtor { name: "Fieldproof".to_owned(), iban: iban.to_owned(), bic: None };
            PayoutRules { debtor: Some(debtor), ..PayoutRules::default() }
        };
        let (swiss, belgian) = (from("CH5604835012345678009"), from("BE71096123456769"));
        let to = |country| Method { country: Some(country), ..bank.clone() };
        assert!(to("CH").takes(Currency::CHF, &swiss));
        assert!(!to("BE").takes(Currency::CHF, &swiss));
        assert!(!to("CH").takes(Currency::CHF, &belgian), "francs leave an account in Switzerland or Liechtenstein");
        assert!(to("BE").takes(Currency::EUR, &swiss) && to("CH").takes(Currency::EUR, &belgian));
    }

    #[test]
    fn a_batch_is_doubted_for_what_a_person_would_miss() {
        let item = |n: u128, mark: &str| Item {
            payout: PayoutId::from_bits(n),
            worker: UserId::from_bits(n),
            mark: mark.to_owned(),
            sharers: 0,
            amount_minor: 100,
            cost_minor: 0,
            blocked: None,
        };
        let codes = |items: &[Item]| -> Vec<(String, bool)> {
            check_batch(items, &PayoutRules::default()).into_iter().map(|d| (d.code, d.put_back)).collect()
        };
        assert_eq!(codes(&[item(1, "a"), item(2, "b")]), []);
        let shared = ("shared_account".to_owned(), false);
        assert_eq!(codes(&[item(1, "a"), item(2, "a")]), [shared.clone(), shared.clone()]);
        assert_eq!(codes(&[item(1, "a"), Item { payout: PayoutId::from_bits(3), ..item(1, "a") }]), []);
        assert_eq!(codes(&[Item { sharers: 1, ..item(1, "a") }]), [shared]);
        assert_eq!(codes(&[Item { amount_minor: 50_001, ..item(1, "a") }]), [("above_limit".to_owned(), false)]);
        assert_eq!(codes(&[Item { cost_minor: 100, ..item(1, "a") }]), [("below_cost".to_owned(), true)]);
        let blocked = Item { blocked: Some(Blocked::Removed), ..item(1, "a") };
        assert_eq!(codes(&[blocked]), [("removed".to_owned(), true)]);
    }
}
