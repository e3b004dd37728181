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
use crate::db::{Conn, Tx, papers, payout_methods, users};
use crate::domain::account::{Account, AccountBody};
use crate::domain::event::Event;
use crate::domain::ids::{EventId, MethodId, UserId};
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
        // Held until the end: an erasure at the same moment comes before or after, and leaves no account behind.
        let owner = papers::lock_worker(tx, worker)?.filter(|owner| owner.state != UserState::Erased);
        if owner.or_missing("worker")?.password_hash != user.password_hash {
            return Err(Refusal::new(Code::WrongPassword, "It was changed at the same moment.").into());
        }
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
             change your password now and remove it: until then nothing is paid to it.\n{}",
            user.name,
            row.masked,
            row.payable_at,
            if asked.automatic == Some(true) { "\nEvery daily run pays all there is to it from then on.\n" } else { "" }
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
                let event = tx.record(Event::new("payout_method.removed", id))?;
                let chosen = payout_methods::choice(tx, &scope)?.filter(|choice| choice.method_id == *id);
                let paid = chosen.as_ref().is_some_and(|choice| choice.automatic);
                let says = if paid {
                    "\nThe daily run paid to it, and pays nothing now until you choose another.\n"
                } else {
                    ""
                };
                let text = format!(
                    "{} is no way to be paid any more; what was on its way there stays on its way.\n{says}",
                    row.masked
                );
                tell(tx, &event, who.user(), "A way to be paid was removed", &text)?;
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

/// To the address that is known: who holds the phone does not read it there.
fn tell(tx: &mut Tx, event: &EventId, worker: &UserId, subject: &str, text: &str) -> Outcome<()> {
    let Some(user) = users::any_find(tx, worker)? else { return Ok(()) };
    let text = format!(
        "Hello {},\n\n{text}\nIf it was not you, change your password now and look at how you are paid.\n",
        user.name
    );
    letters::send(tx, event, &user.email, subject, &text)
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct ChoiceBody {
    pub method_id: String,
    /// True: every daily run pays all there is. False: payouts are asked for.
    pub automatic: bool,
    /// Needed where another method was chosen before.
    #[serde(default)]
    pub password: Option<String>,
}

/// Whether money comes every day or on request, and to which of the worker's methods. Money that went to one method goes
/// to another only with the password; its owner is told of every change.
pub fn choose_payouts(cx: &Cx, who: &Worker, once: &Once, asked: &ChoiceBody) -> Outcome<MethodView> {
    let (scope, worker) = (WorkerScope::from(who), who.user());
    let proven = asked.password.as_ref().map(|given| auth::prove_password(cx, who, worker, given)).transpose()?;
    cx.write_once(who, once, |tx| {
        let owner = papers::lock_worker(tx, worker)?.filter(|owner| owner.state != UserState::Erased);
        let owner = owner.or_missing("worker")?;
        let id = MethodId::parse(&asked.method_id).or_missing("payout method")?;
        let row = payout_methods::find(tx, &scope, &id)?.filter(|row| row.removed_at.is_none());
        let row = row.or_missing("payout method")?;
        let before = payout_methods::choice(tx, &scope)?;
        let same_owner = proven.as_ref().is_some_and(|user| user.password_hash == owner.password_hash);
        if before.as_ref().is_some_and(|choice| choice.method_id != id) && !same_owner {
            let detail = "You chose another way to be paid before: to change it, send your password.";
            return Err(Refusal::field("/password", "required", detail).into());
        }
        let event = choose(cx, tx, worker, &id, asked.automatic)?;
        if before.is_none_or(|choice| choice.method_id != id || choice.automatic != asked.automatic) {
            let text = match asked.automatic {
                true => format!("every daily run pays all there is to {} from now on.\n", row.masked),
                false => format!("payouts are made when you ask for them; you chose {} for them.\n", row.masked),
            };
            tell(tx, &event, worker, "How you are paid was changed", &text)?;
        }
        let choice = payout_methods::choice(tx, &scope)?;
        view(cx, tx, row, choice.as_ref())
    })
}

fn choose(cx: &Cx, tx: &mut Tx, worker: &UserId, method: &MethodId, automatic: bool) -> Outcome<EventId> {
    let row = PayoutChoiceRow {
        worker_id: worker.clone(),
        method_id: method.clone(),
        automatic,
        next_run_at: cx.rules().payouts.next_run(tx.now()),
        updated_at: tx.now(),
    };
    payout_methods::set_choice(tx, &row)?;
    let event = Event::new("payouts.chosen", worker);
    tx.record(event.data(json!({ "method_id": method, "automatic": automatic })))
}
