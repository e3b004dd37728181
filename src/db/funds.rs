//! A brand's money as sums over its accounts. Read only: `db::ledger` is the writer.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::conn::Conn;
use super::schema::{accounts, brands, missions};
use crate::domain::ids::BrandId;
use crate::domain::ledger::AccountKind;
use crate::domain::money::{Currency, Money};
use crate::domain::refusal::Outcome;

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
