//! People, their one-time links, failed sign-ins and sanctions.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{Both, Locked, broke_unique};
use super::rows::{OneTimeTokenRow, SanctionRow, SignInAttemptRow, UserRow};
use super::schema::{one_time_tokens, sanctions, sign_in_attempts, users};
use super::tx::Tx;
use crate::domain::ids::UserId;
use crate::domain::refusal::{Code, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::{UserKind, UserState};

pub fn insert(tx: &mut Tx, row: UserRow) -> Outcome<()> {
    match diesel::insert_into(users::table).values(row).execute(&mut **tx) {
        Ok(_) => Ok(()),
        Err(e) if broke_unique(&e, "users_email_key", "users.email") => {
            Err(Refusal::new(Code::EmailTaken, "Somebody registered with this e-mail address.").into())
        }
        Err(e) => Err(e.into()),
    }
}

pub fn any_find(conn: &mut Conn, id: &UserId) -> Outcome<Option<UserRow>> {
    Ok(users::table.find(id).first(conn).optional()?)
}

/// The same, locked: nobody is erased meanwhile. Lock it before any mission.
pub fn any_locked(tx: &mut Tx, id: &UserId) -> Outcome<Option<UserRow>> {
    Ok(Locked(users::table.find(id)).get_result(&mut **tx).optional()?)
}

pub fn any_by_email(conn: &mut Conn, email: &str) -> Outcome<Option<UserRow>> {
    Ok(users::table.filter(users::email.eq(email)).first(conn).optional()?)
}

/// Changes what people say about themselves; false when the version is not the one that was read.
pub fn set_profile(tx: &mut Tx, row: &UserRow, version: i64) -> Outcome<bool> {
    let now = tx.now();
    let changed = diesel::update(users::table.find(&row.id))
        .filter(users::version.eq(version))
        .filter(users::state.ne(UserState::Erased))
        .set((
            users::name.eq(&row.name),
            users::language.eq(&row.language),
            users::country.eq(&row.country),
            users::updated_at.eq(now),
            users::version.eq(users::version + 1),
        ))
        .execute(&mut **tx)?;
    Ok(changed == 1)
}

pub fn set_password(tx: &mut Tx, id: &UserId, hash: &str) -> Outcome<()> {
    let now = tx.now();
    diesel::update(users::table.find(id))
        .set((users::password_hash.eq(hash), users::updated_at.eq(now), users::version.eq(users::version + 1)))
        .execute(&mut **tx)?;
    Ok(())
}

pub fn set_verified(tx: &mut Tx, id: &UserId) -> Outcome<()> {
    let now = tx.now();
    diesel::update(users::table.find(id).filter(users::email_verified_at.is_null()))
        .set((users::email_verified_at.eq(Some(now)), users::updated_at.eq(now), users::version.eq(users::version + 1)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Moves a person from one state to another; false when the person is not in `from`.
pub fn set_state(tx: &mut Tx, id: &UserId, from: UserState, to: UserState) -> Outcome<bool> {
    let now = tx.now();
    let moved = diesel::update(users::table.find(id).filter(users::state.eq(from)))
        .set((users::state.eq(to), users::updated_at.eq(now), users::version.eq(users::version + 1)))
        .execute(&mut **tx)?;
    Ok(moved == 1)
}

/// People of one kind in the order they came, after `after`.
pub fn any_page(conn: &mut Conn, kind: UserKind, after: Option<&str>, limit: i64) -> Outcome<Vec<UserRow>> {
    let mut query = users::table.filter(users::kind.eq(kind)).into_boxed();
    if let Some(after) = after {
        query = query.filter(users::id.gt(UserId::from_stored(after.to_owned())));
    }
    Ok(query.order(users::id).limit(limit).load(conn)?)
}

pub fn add_link(tx: &mut Tx, row: OneTimeTokenRow) -> Outcome<()> {
    diesel::insert_into(one_time_tokens::table).values(row).execute(&mut **tx)?;
    Ok(())
}

/// Uses a link up; `None` when it is unknown, used, expired or for something else.
pub fn use_link(tx: &mut Tx, token_hash: &str, purpose: &str) -> Outcome<Option<UserId>> {
    let now = tx.now();
    let fresh = one_time_tokens::used_at.is_null().and(one_time_tokens::expires_at.gt(now));
    Ok(diesel::update(one_time_tokens::table.find(token_hash))
        .filter(fresh.and(one_time_tokens::purpose.eq(purpose)))
        .set(one_time_tokens::used_at.eq(Some(now)))
        .returning(one_time_tokens::user_id)
        .get_result(&mut **tx)
        .optional()?)
}

pub fn count_failure(tx: &mut Tx, email: &str) -> Outcome<()> {
    let now = tx.now();
    let row = SignInAttemptRow { email: email.to_owned(), failures: 1, last_at: now };
    Both(
        diesel::insert_into(sign_in_attempts::table)
            .values(row)
            .on_conflict(sign_in_attempts::email)
            .do_update()
            .set((sign_in_attempts::failures.eq(sign_in_attempts::failures + 1), sign_in_attempts::last_at.eq(now))),
    )
    .execute(&mut **tx)?;
    Ok(())
}

/// What was counted, locked, before a try is judged: who tries at the same moment waits here and sees this one.
pub fn lock_failures(tx: &mut Tx, email: &str) -> Outcome<SignInAttemptRow> {
    let row = SignInAttemptRow { email: email.to_owned(), failures: 0, last_at: tx.now() };
    Both(diesel::insert_into(sign_in_attempts::table).values(row).on_conflict_do_nothing()).execute(&mut **tx)?;
    Ok(Locked(sign_in_attempts::table.find(email)).get_result(&mut **tx)?)
}

/// Takes back one that was counted: nothing was judged.
pub fn uncount_failure(tx: &mut Tx, email: &str) -> Outcome<()> {
    diesel::update(sign_in_attempts::table.find(email).filter(sign_in_attempts::failures.gt(0)))
        .set(sign_in_attempts::failures.eq(sign_in_attempts::failures - 1))
        .execute(&mut **tx)?;
    Ok(())
}

pub fn forget_failures(tx: &mut Tx, email: &str) -> Outcome<()> {
    diesel::delete(sign_in_attempts::table.find(email)).execute(&mut **tx)?;
    Ok(())
}

/// Forgets failures older than `before`; returns how many.
pub fn sweep_failures(tx: &mut Tx, before: At) -> Outcome<usize> {
    Ok(diesel::delete(sign_in_attempts::table.filter(sign_in_attempts::last_at.lt(before))).execute(&mut **tx)?)
}

pub fn add_sanction(tx: &mut Tx, row: SanctionRow) -> Outcome<()> {
    diesel::insert_into(sanctions::table).values(row).execute(&mut **tx)?;
    Ok(())
}

pub fn last_sanction(conn: &mut Conn, id: &UserId) -> Outcome<Option<SanctionRow>> {
    Ok(sanctions::table.filter(sanctions::user_id.eq(id)).order(sanctions::id.desc()).first(conn).optional()?)
}
