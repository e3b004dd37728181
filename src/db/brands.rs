//! Brands and their members.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::Locked;
use super::rows::{BrandRow, MemberRow, UserRow};
use super::schema::{brands, members, users};
use super::tx::Tx;
use crate::access::scope::BrandScope;
use crate::domain::brand::BrandRole;
use crate::domain::ids::{BrandId, UserId};
use crate::domain::refusal::Outcome;

pub fn insert(tx: &mut Tx, row: BrandRow) -> Outcome<()> {
    diesel::insert_into(brands::table).values(row).execute(&mut **tx)?;
    Ok(())
}

pub fn any_find(conn: &mut Conn, id: &BrandId) -> Outcome<Option<BrandRow>> {
    Ok(brands::table.find(id).first(conn).optional()?)
}

/// The brand with its row locked: its members or its money are about to change.
pub fn any_locked(tx: &mut Tx, id: &BrandId) -> Outcome<Option<BrandRow>> {
    Ok(Locked(brands::table.find(id)).get_results(&mut **tx)?.into_iter().next())
}

pub fn any_page(conn: &mut Conn, after: Option<&str>, limit: i64) -> Outcome<Vec<BrandRow>> {
    let mut query = brands::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(brands::id.gt(BrandId::from_stored(after.to_owned())));
    }
    Ok(query.order(brands::id).limit(limit).load(conn)?)
}

pub fn add_member(tx: &mut Tx, row: MemberRow) -> Outcome<()> {
    diesel::insert_into(members::table).values(row).execute(&mut **tx)?;
    Ok(())
}

/// The brand a person belongs to.
pub fn membership(conn: &mut Conn, user: &UserId) -> Outcome<Option<MemberRow>> {
    Ok(members::table.filter(members::user_id.eq(user)).first(conn).optional()?)
}

pub fn members_of(conn: &mut Conn, scope: &BrandScope) -> Outcome<Vec<(MemberRow, UserRow)>> {
    Ok(members::table
        .inner_join(users::table.on(users::id.eq(members::user_id)))
        .filter(members::brand_id.eq(scope.brand()))
        .select((members::all_columns, users::all_columns))
        .order(members::created_at)
        .load(conn)?)
}

pub fn member(conn: &mut Conn, scope: &BrandScope, user: &UserId) -> Outcome<Option<MemberRow>> {
    Ok(members::table.find((scope.brand(), user)).first(conn).optional()?)
}

pub fn set_role(tx: &mut Tx, scope: &BrandScope, user: &UserId, role: BrandRole) -> Outcome<()> {
    diesel::update(members::table.find((scope.brand(), user))).set(members::role.eq(role)).execute(&mut **tx)?;
    Ok(())
}

pub fn remove_member(tx: &mut Tx, scope: &BrandScope, user: &UserId) -> Outcome<()> {
    diesel::delete(members::table.find((scope.brand(), user))).execute(&mut **tx)?;
    Ok(())
}
