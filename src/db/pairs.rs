//! Pairs of photos that look alike, and the local features by which they are found. Features lie beside the store and
//! chain they are sought in, in the order in which they were recorded. Unscoped: the platform's own work, and the review
//! desk's.

use diesel::prelude::*;

use super::conn::Conn;
use super::dialect::one_at_a_time;
use super::rows::{PhotoFeaturesRow, PhotoPairRow};
use super::schema::{evidence, photo_features, photo_pairs};
use super::tx::Tx;
use super::types::Json;
use crate::domain::ids::{EvidenceId, ReservationId, StoreId};
use crate::domain::refusal::Outcome;
use crate::domain::time::At;

/// Any number, the same in every version of this program.
const COMPARING: i64 = 0x6669_656c_6466;

pub fn add(tx: &mut Tx, row: &PhotoPairRow) -> Outcome<()> {
    diesel::insert_into(photo_pairs::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// How a pair that a hash found lies on each other.
pub fn set_alignment(tx: &mut Tx, photo: &EvidenceId, other: &EvidenceId, alignment: Json) -> Outcome<()> {
    diesel::update(photo_pairs::table.find((photo, other)))
        .set(photo_pairs::alignment.eq(Some(alignment)))
        .execute(&mut **tx)?;
    Ok(())
}

/// Forgets a pair that was only suspected.
pub fn drop(tx: &mut Tx, photo: &EvidenceId, other: &EvidenceId) -> Outcome<()> {
    diesel::delete(photo_pairs::table.find((photo, other))).execute(&mut **tx)?;
    Ok(())
}

/// What a photo looks like, in the order of the other photos' ids.
pub fn any_of(conn: &mut Conn, photo: &EvidenceId) -> Outcome<Vec<PhotoPairRow>> {
    Ok(photo_pairs::table.filter(photo_pairs::evidence_id.eq(photo)).order(photo_pairs::other_id).load(conn)?)
}

/// The highest number given to features.
pub fn last_seq(conn: &mut Conn) -> Outcome<i64> {
    let last: Option<i64> =
        photo_features::table.order(photo_features::seq.desc()).select(photo_features::seq).first(conn).optional()?;
    Ok(last.unwrap_or(0))
}

/// As [`last_seq`], and nobody else gives numbers until the transaction ends: they become visible in their order.
pub fn last_seq_held(tx: &mut Tx) -> Outcome<i64> {
    one_at_a_time(tx, COMPARING)?;
    last_seq(tx)
}

pub fn add_features(tx: &mut Tx, row: &PhotoFeaturesRow) -> Outcome<()> {
    diesel::insert_into(photo_features::table).values(row.clone()).execute(&mut **tx)?;
    Ok(())
}

/// Where features are sought.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    pub store: &'a StoreId,
    pub chain: Option<&'a str>,
    /// One's own visit is left out.
    pub not: &'a ReservationId,
    pub since: At,
    /// Numbers above the first, up to the second.
    pub numbers: (i64, i64),
    /// Most of the store, and most of the chain; the newest.
    pub limit: i64,
}

/// Features of photos of one store, then of other stores of its chain.
pub fn any_features(conn: &mut Conn, scope: &Scope<'_>) -> Outcome<Vec<(EvidenceId, String)>> {
    let (after, up_to) = scope.numbers;
    let wanted = || {
        photo_features::table
            .filter(photo_features::seq.gt(after))
            .filter(photo_features::seq.le(up_to))
            .filter(photo_features::received_at.ge(scope.since))
            .filter(photo_features::reservation_id.ne(scope.not))
            .order(photo_features::seq.desc())
            .limit(scope.limit)
            .select((photo_features::evidence_id, photo_features::features))
    };
    let mut found: Vec<(EvidenceId, String)> = wanted().filter(photo_features::store_id.eq(scope.store)).load(conn)?;
    if let Some(chain) = scope.chain {
        let elsewhere =
            wanted().filter(photo_features::chain.eq(chain)).filter(photo_features::store_id.ne(scope.store));
        found.extend(elsewhere.load::<(EvidenceId, String)>(conn)?);
    }
    Ok(found)
}

/// Writes that a photo was compared.
pub fn set_compared(tx: &mut Tx, photo: &EvidenceId, at: At) -> Outcome<()> {
    diesel::update(evidence::table.find(photo)).set(evidence::compared_at.eq(Some(at))).execute(&mut **tx)?;
    Ok(())
}
