//! Where a worker is paid to: added with the password, told to the address that is known already, and held for two days,
//! so that whoever took a phone cannot lead the money away unseen. Also the worker's choice of when. Accounts are sealed;
//! nothing here answers them in clear.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::auth;
use crate::access::Worker;
use crate::access::scope::WorkerScope;
use crate::context::{Cx, Once};
use crate::db::rows::{PayoutChoiceRow, PayoutMethodRow};
use crate::db::{Conn, Tx, papers, payout_methods};
use crate::domain::account::{Account, AccountBody};
use crate::domain::event::Event;
use crate::domain::ids::{MethodId, UserId};
use crate::domain::money::Currency;
use crate::domain::payout::{Blocked, HOLD_SECS, Method, PayoutRules, Rail};
use crate::domain::refusal::{Code, Failure, OrMissing, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::UserState;
use crate::ops::letters;

/// Methods of one worker at a time.
const METHODS_MAX: usize = 5;

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MethodView {
    pub id: MethodId,
    pub rail: Rail,
    /// Enough to recognise it.
    pub masked: String,
    /// Of the bank.
    pub country: Option<String>,
    pub created_at: At,
    pub payable_at: At,
    /// Why it is not paid to now.
    pub blocked: Option<String>,
    /// What one payout costs, in minor units of its currency.
    pub cost_minor: i64,
    /// The daily run pays to it.
    pub automatic: bool,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct RailView {
    pub rail: Rail,
    pub open: bool,
    pub cost_minor: i64,
    /// How long a new method is held.
    pub hold_hours: i64,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MethodsView {
    pub items: Vec<MethodView>,
    pub rails: Vec<RailView>,
    pub next_run_at: At,
}

fn hold_secs(rail: Rail) -> i64 {
    // The test bank moves no money.
    if rail == Rail::Test { 0 } else { HOLD_SECS }
}

pub(super) fn place(id: &MethodId) -> String {
    format!("payout_methods.sealed/{id}")
}

pub(super) fn method_of(row: &PayoutMethodRow) -> Method<'_> {
    Method {
        rail: row.rail,
        country: row.country.as_deref(),
        payable_at: row.payable_at,
        removed: row.removed_at.is_some(),
    }
}

/// Why this row is not paid to now.
pub(super) fn blocked(c: &mut Conn, rules: &PayoutRules, row: &PayoutMethodRow, now: At) -> Outcome<Option<Blocked>> {
    let since = payout_methods::any_suspended_since(c, &row.worker_id)?;
    Ok(method_of(row).blocked(rules, since, now))
}

/// The same, and whether it takes the currency; refused with the reason.
pub(super) fn check_payable(
    c: &mut Conn,
    rules: &PayoutRules,
    row: &PayoutMethodRow,
    currency: Option<Currency>,
    now: At,
) -> Outcome<()> {
    let other = currency.is_some_and(|currency| !method_of(row).takes(currency, rules)).then_some(Blocked::Currency);
    match blocked(c, rules, row, now)?.or(other) {
        Some(Blocked::Removed) => Err(Refusal::missing("payout method").into()),
        Some(why) => Err(Refusal::new(Code::MethodNotPayable, why.sentence()).into()),
        None => Ok(()),
    }
}

/// The account in clear, in memory only.
pub(super) fn open(cx: &Cx, row: &PayoutMethodRow) -> Outcome<Account> {
    let text = cx.vault().open(&place(&row.id), &row.sealed);
    let text = text.map_err(|_| Failure::fault(format!("the method {} does not open: is its key missing?", row.id)))?;
    serde_json::from_str(&text).map_err(|_| Failure::fault(format!("the method {} is no account", row.id)))
}

fn view(cx: &Cx, c: &mut Conn, row: PayoutMethodRow, choice: Option<&PayoutChoiceRow>) -> Outcome<MethodView> {
    let rules = &cx.rules().payouts;
    let blocked = blocked(c, rules, &row, cx.now())?;
    Ok(MethodView {
        automatic: choice.is_some_and(|choice| choice.automatic && choice.method_id == row.id),
        id: row.id,
        rail: row.rail,
        masked: row.masked,
        country: row.country,
        created_at: row.created_at,
        payable_at: row.payable_at,
        blocked: blocked.map(|why| why.code().to_owned()),
        cost_minor: rules.cost_minor(row.rail),
    })
}

/// The worker's methods, the ways that are open and what they cost, and when the next run is.
pub fn list_payout_methods(cx: &Cx, who: &Worker) -> Outcome<MethodsView> {
    let (scope, rules) = (WorkerScope::from(who), &cx.rules().payouts);
    let items = cx.read(|c| {
        let choice = payout_methods::choice(c, &scope)?;
        let rows = payout_methods::live(c, &scope)?;
        rows.into_iter().map(|row| view(cx, c, row, choice.as_ref())).collect::<Outcome<Vec<_>>>()
    })?;
    let rail = |rail: &Rail| RailView {
        rail: *rail,
        open: rules.open(*rail),
        cost_minor: rules.cost_minor(*rail),
        hold_hours: hold_secs(*rail) / 3600,
    };
    Ok(MethodsView { items, rails: Rail::ALL.iter().map(rail).collect(), next_run_at: rules.next_run(cx.now()) })
}

/// Adds a method; the worker is told at the address that is known already, and may object while it is held.
pub fn add_payout_method(cx: &Cx, who: &Worker, once: &Once, asked: &AccountBody) -> Outcome<MethodView> {
    let account = Account::read(asked).map_err(|errors| Refusal::fields(Code::InvalidRequest, errors))?;
    let rules = &cx.rules().payouts;
    if !rules.open(account.rail) {
        return Err(Refusal::new(Code::RailClosed, "The ways that are open are listed with your methods.").into());
    }
    let (worker, scope) = (who.user(), WorkerScope::from(who));
    let user = auth::prove_password(cx, who, worker, &asked.password)?;
    // Gift codes are no account that two workers could share.
    let number = if account.rail == Rail::Voucher { worker.as_str() } else { &account.number };
    let mark = cx.vault().mark(account.rail.as_str(), number);
    let clear = serde_json::to_string(&account).map_err(Failure::fault)?;
    cx.write_once(who, once, |tx| {
        // Who is being erased leaves no account behind.
        papers::lock_worker(tx, worker)?.filter(|user| user.state != UserState::Erased).or_missing("worker")?;
        if payout_methods::live(tx, &scope)?.len() >= METHODS_MAX {
            return Err(Refusal::new(Code::TooManyMethods, format!("You have {METHODS_MAX}.")).into());
        }
        let id: MethodId = tx.id();
        let row = PayoutMethodRow {
            worker_id: worker.clone(),
            rail: account.rail,
            sealed: cx.vault().seal(&place(&id), &clear),
            mark: mark.clone(),
            masked: account.masked(),
            country: account.country().map(str::to_owned),
            payable_at: tx.now().plus_secs(hold_secs(account.rail)),
            created_at: tx.now(),
            removed_at: None,
            id,
        };
        payout_methods::insert(tx, &row)?;
        let event = Event::new("payout_method.added", &row.id);
        let event = tx.record(event.data(json!({ "worker_id": worker, "rail": row.rail, "masked": row.masked })))?;
        let text = format!(
            "Hello {},\n\na way to be paid was added to your account: {}.\n\nMoney goes there from {} on. If it was not you, \
             change your password now and remove it: until then nothing is paid to it.\n",
            user.name, row.masked, row.payable_at
        );
        letters::send(tx, &event, &user.email, "A new way to be paid was added", &text)?;
        if asked.automatic == Some(true) {
            choose(cx, tx, worker, &row.id, true)?;
        }
        let choice = payout_methods::choice(tx, &scope)?;
        view(cx, tx, row, choice.as_ref())
    })
}

/// Nothing more is paid to it. What is on its way stays on its way.
pub fn remove_payout_method(cx: &Cx, who: &Worker, once: &Once, id: &MethodId) -> Outcome<MethodView> {
    let scope = WorkerScope::from(who);
    cx.write_once(who, once, |tx| {
        let row = payout_methods::find(tx, &scope, id)?.or_missing("payout method")?;
        match payout_methods::remove(tx, id)? {
            true => {
                tx.record(Event::new("payout_method.removed", id))?;
                let chosen = payout_methods::choice(tx, &scope)?.filter(|choice| choice.method_id == *id);
                if chosen.is_some() {
                    choose(cx, tx, who.user(), id, false)?;
                }
            }
            false => tx.nothing_changed(),
        }
        let row = payout_methods::find(tx, &scope, id)?.unwrap_or(row);
        view(cx, tx, row, None)
    })
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ChoiceBody {
    pub method_id: String,
    /// True: every daily run pays all there is. False: payouts are asked for.
    pub automatic: bool,
}

/// Whether money comes every day or on request, and to which of the worker's methods.
pub fn choose_payouts(cx: &Cx, who: &Worker, once: &Once, asked: &ChoiceBody) -> Outcome<MethodView> {
    let scope = WorkerScope::from(who);
    cx.write_once(who, once, |tx| {
        let id = MethodId::parse(&asked.method_id).or_missing("payout method")?;
        let row = payout_methods::find(tx, &scope, &id)?.filter(|row| row.removed_at.is_none());
        let row = row.or_missing("payout method")?;
        choose(cx, tx, who.user(), &id, asked.automatic)?;
        let choice = payout_methods::choice(tx, &scope)?;
        view(cx, tx, row, choice.as_ref())
    })
}

fn choose(cx: &Cx, tx: &mut Tx, worker: &UserId, method: &MethodId, automatic: bool) -> Outcome<()> {
    let row = PayoutChoiceRow {
        worker_id: worker.clone(),
        method_id: method.clone(),
        automatic,
        next_run_at: cx.rules().payouts.next_run(tx.now()),
        updated_at: tx.now(),
    };
    payout_methods::set_choice(tx, &row)?;
    let event = Event::new("payouts.chosen", worker);
    tx.record(event.data(json!({ "method_id": method, "automatic": automatic })))?;
    Ok(())
}
