//! Bought codes: each is given to one payout, by a change that names that it was given to none before.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::{SkipLocked, broke_unique};
use super::rows::GiftCodeRow;
use super::schema::{gift_codes, gift_faces};
use super::tx::Tx;
use crate::domain::ids::{GiftCodeId, PayoutId};
use crate::domain::money::{Currency, Money};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

pub fn insert(tx: &mut Tx, row: GiftCodeRow) -> Outcome<()> {
    diesel::insert_into(gift_codes::table).values(row).execute(&mut **tx)?;
    Ok(())
}

pub fn any_by_mark(conn: &mut Conn, mark: &str) -> Outcome<Option<GiftCodeRow>> {
    Ok(gift_codes::table.filter(gift_codes::mark.eq(mark)).first(conn).optional()?)
}

/// Given to this payout.
pub fn any_of(conn: &mut Conn, payout: &PayoutId) -> Outcome<Option<GiftCodeRow>> {
    Ok(gift_codes::table.filter(gift_codes::payout_id.eq(payout)).first(conn).optional()?)
}

/// Amounts that are in stock, with how many there are, the largest first.
pub fn any_stock(conn: &mut Conn, good_until: At) -> Outcome<Vec<(Money, i64)>> {
    let fresh = gift_codes::expires_at.is_null().or(gift_codes::expires_at.gt(good_until));
    let rows: Vec<(Currency, i64, i64)> = gift_codes::table
        .filter(gift_codes::payout_id.is_null().and(fresh))
        .group_by((gift_codes::currency, gift_codes::amount_minor))
        .select((gift_codes::currency, gift_codes::amount_minor, diesel::dsl::count_star()))
        .order((gift_codes::currency, gift_codes::amount_minor.desc()))
        .load(conn)?;
    Ok(rows.into_iter().map(|(currency, minor, count)| (Money::new(minor, currency), count)).collect())
}

/// Every amount that there ever was, and whether there is one to give now.
pub fn any_faces(conn: &mut Conn, good_until: At) -> Outcome<Vec<(Money, bool)>> {
    let all: Vec<(Currency, i64)> =
        gift_codes::table.select((gift_codes::currency, gift_codes::amount_minor)).distinct().load(conn)?;
    let stock = any_stock(conn, good_until)?;
    let usable = |face: Money| stock.iter().any(|(one, _)| *one == face);
    Ok(all.into_iter().map(|(currency, minor)| Money::new(minor, currency)).map(|face| (face, usable(face))).collect())
}

/// What was noted last of this amount.
pub fn any_face(conn: &mut Conn, face: Money) -> Outcome<Option<bool>> {
    let row = gift_faces::table.find((face.currency, face.minor)).select(gift_faces::in_stock);
    Ok(row.first(conn).optional()?)
}

/// Notes whether there is one, in the place of what was noted before; false when somebody was quicker.
pub fn note_face(tx: &mut Tx, face: Money, noted: Option<bool>, in_stock: bool) -> Outcome<bool> {
    let Some(noted) = noted else {
        let row = (
            gift_faces::currency.eq(face.currency),
            gift_faces::amount_minor.eq(face.minor),
            gift_faces::in_stock.eq(in_stock),
        );
        return match diesel::insert_into(gift_faces::table).values(row).execute(&mut **tx) {
            Ok(_) => Ok(true),
            Err(e) if broke_unique(&e, "gift_faces_pkey", "gift_faces.currency") => Ok(false),
            Err(e) => Err(e.into()),
        };
    };
    let row = gift_faces::table.find((face.currency, face.minor)).filter(gift_faces::in_stock.eq(noted));
    Ok(diesel::update(row).set(gift_faces::in_stock.eq(in_stock)).execute(&mut **tx)? == 1)
}

/// Takes one code of this amount for a payout; `None` when there is none left.
pub fn take(tx: &mut Tx, amount: Money, payout: &PayoutId, good_until: At) -> Outcome<Option<GiftCodeRow>> {
    let now = tx.now();
    let fresh = gift_codes::expires_at.is_null().or(gift_codes::expires_at.gt(good_until));
    let free = gift_codes::table
        .filter(gift_codes::payout_id.is_null().and(fresh))
        .filter(gift_codes::currency.eq(amount.currency).and(gift_codes::amount_minor.eq(amount.minor)))
        .order(gift_codes::id)
        .limit(1)
        .select(gift_codes::id);
    let Some(id) = SkipLocked(free).get_result::<GiftCodeId>(&mut **tx).optional()? else { return Ok(None) };
    Ok(diesel::update(gift_codes::table.find(id).filter(gift_codes::payout_id.is_null()))
        .set((gift_codes::payout_id.eq(Some(payout.clone())), gift_codes::given_at.eq(Some(now))))
        .returning(gift_codes::all_columns)
        .get_result(&mut **tx)
        .optional()?)
}
