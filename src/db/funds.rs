//! A brand's money as sums over its accounts. Read only: `db::ledger` is the writer.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::Conn;
use super::schema::{accounts, brands, campaigns, earnings, missions, submissions};
use crate::domain::ids::{BrandId, MissionId, SubmissionId};
use crate::domain::ledger::AccountKind;
use crate::domain::money::{Currency, Money};
use crate::domain::refusal::Outcome;
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;

/// The currency a brand pays in.
pub fn any_currency(conn: &mut Conn, brand: &BrandId) -> Outcome<Option<Currency>> {
    Ok(brands::table.find(brand).select(brands::currency).first(conn).optional()?)
}

/// What is set aside for the brand's missions.
pub fn any_escrow(conn: &mut Conn, brand: &BrandId, currency: Currency) -> Outcome<Money> {
    let minor: i64 = accounts::table
        .inner_join(missions::table.on(missions::id.eq(accounts::owner)))
        .filter(missions::brand_id.eq(brand))
        .filter(accounts::kind.eq(AccountKind::BrandEscrow))
        .filter(accounts::currency.eq(currency))
        .select(sql::<BigInt>("CAST(COALESCE(SUM(accounts.balance_minor),0) AS BIGINT)"))
        .first(conn)?;
    Ok(Money::new(minor, currency))
}

/// What is set aside for the pay floor of the brand's campaigns.
pub fn any_reserve(conn: &mut Conn, brand: &BrandId, currency: Currency) -> Outcome<Money> {
    let minor: i64 = accounts::table
        .inner_join(campaigns::table.on(campaigns::id.eq(accounts::owner)))
        .filter(campaigns::brand_id.eq(brand))
        .filter(accounts::kind.eq(AccountKind::BrandReserve))
        .filter(accounts::currency.eq(currency))
        .select(sql::<BigInt>("CAST(COALESCE(SUM(accounts.balance_minor),0) AS BIGINT)"))
        .first(conn)?;
    Ok(Money::new(minor, currency))
}

/// What was earned, in minor units, by each submission of the mission that was paid in part and gave its slot back, but
/// may be raised by an appeal after `now`.
pub fn any_raisable(conn: &mut Conn, mission: &MissionId, now: At) -> Outcome<Vec<i64>> {
    let in_window =
        submissions::state.eq(SubmissionState::PartlyApproved).and(submissions::appeal_until.gt(now).assume_not_null());
    let ids: Vec<SubmissionId> = submissions::table
        .filter(submissions::mission_id.eq(mission))
        .filter(submissions::holds_slot.eq(false))
        .filter(in_window.or(submissions::state.eq(SubmissionState::Appealed)))
        .select(submissions::id)
        .load(conn)?;
    let earned = |id: &SubmissionId| {
        let of_it = earnings::table.filter(earnings::submission_id.eq(id));
        of_it.select(sql::<BigInt>("CAST(COALESCE(SUM(amount_minor),0) AS BIGINT)")).first(conn)
    };
    Ok(ids.iter().map(earned).collect::<QueryResult<Vec<i64>>>()?)
}
