//! Brands and the people who act for them.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::scope::BrandScope;
use crate::access::{Admin, AnyStaff, BrandOwner, BrandViewer, Pass};
use crate::context::{Cx, Once};
use crate::db::rows::{BrandRow, MemberRow, UserRow};
use crate::db::{Tx, brands, sessions, users};
use crate::domain::brand::BrandRole;
use crate::domain::event::Event;
use crate::domain::ids::{BrandId, UserId};
use crate::domain::money::Currency;
use crate::domain::refusal::{Code, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::store::is_country;
use crate::domain::time::At;
use crate::domain::user::{UserKind, normal_email};
use crate::ops::{Page, auth, me};

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct BrandView {
    pub id: BrandId,
    pub name: String,
    pub country: String,
    pub currency: Currency,
    pub created_at: At,
    pub version: i64,
}

impl BrandView {
    fn of(row: BrandRow) -> BrandView {
        BrandView {
            id: row.id,
            name: row.name,
            country: row.country,
            currency: row.currency,
            created_at: row.created_at,
            version: row.version,
        }
    }
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct MemberView {
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    pub role: BrandRole,
    pub since: At,
}

impl MemberView {
    fn of(member: MemberRow, user: UserRow) -> MemberView {
        MemberView {
            user_id: member.user_id,
            email: user.email,
            name: user.name,
            role: member.role,
            since: member.created_at,
        }
    }
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct NewBrand {
    pub name: String,
    pub country: String,
    pub currency: Currency,
    pub owner_email: String,
    pub owner_name: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    pub email: String,
    pub name: String,
    pub role: BrandRole,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    pub role: BrandRole,
}

/// Creates a brand and invites its first owner.
pub fn create_brand(cx: &Cx, who: &Admin, once: &Once, asked: &NewBrand) -> Outcome<BrandView> {
    let mut errors = me::check_profile(Some(&asked.name), None, None);
    if !is_country(&asked.country) {
        errors.push(FieldError::new(
            "/country",
            "country_unknown",
            "An ISO 3166 code of two capital letters, such as CH.",
        ));
    }
    let email = check_person(&asked.owner_email, &asked.owner_name, ["/owner_email", "/owner_name"], &mut errors);
    let (Some(email), true) = (email, errors.is_empty()) else {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    };
    let secret = cx.dice().secret();
    cx.write_once(who, once, |tx| {
        let row = BrandRow {
            id: tx.id(),
            name: asked.name.trim().to_owned(),
            country: asked.country.clone(),
            currency: asked.currency,
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
        };
        brands::insert(tx, row.clone())?;
        tx.record(Event::new("brand.created", &row.id).brand(&row.id).data(json!({ "currency": row.currency })))?;
        join(tx, cx, &row.id, &email, &asked.owner_name, BrandRole::Owner, &secret)?;
        Ok(BrandView::of(row))
    })
}

fn check_person(email: &str, name: &str, pointers: [&str; 2], errors: &mut Vec<FieldError>) -> Option<String> {
    let normal = normal_email(email);
    if normal.is_none() {
        errors.push(FieldError::new(pointers[0], "email", "This is not an e-mail address."));
    }
    for error in me::check_profile(Some(name), None, None) {
        errors.push(FieldError { pointer: pointers[1].to_owned(), ..error });
    }
    normal
}

fn join(
    tx: &mut Tx,
    cx: &Cx,
    brand: &BrandId,
    email: &str,
    name: &str,
    role: BrandRole,
    secret: &str,
) -> Outcome<MemberView> {
    if let Some(known) = users::any_by_email(tx, email)?
        && brands::membership(tx, &known.id)?.is_some_and(|member| member.brand_id == *brand)
    {
        return Err(Refusal::new(Code::AlreadyMember, "A member of the brand has this e-mail address.").into());
    }
    let user = auth::invite(tx, cx, email, name, UserKind::Brand, None, secret)?;
    let row = MemberRow { brand_id: brand.clone(), user_id: user.id.clone(), role, created_at: tx.now() };
    brands::add_member(tx, row.clone())?;
    tx.record(Event::new("member.added", &user.id).brand(brand).data(json!({ "role": role })))?;
    Ok(MemberView::of(row, user))
}

pub fn list_brands(cx: &Cx, _who: &AnyStaff, after: Option<&str>, limit: i64) -> Outcome<Page<BrandView>> {
    let rows = cx.read(|c| brands::any_page(c, after, limit + 1))?;
    Ok(Page::of(rows, limit, |r| r.id.to_string(), BrandView::of))
}

/// An admin adds somebody to any brand.
pub fn add_brand_member(cx: &Cx, who: &Admin, once: &Once, brand: &BrandId, asked: &NewMember) -> Outcome<MemberView> {
    add(cx, who, once, brand, asked)
}

/// An owner adds somebody to the own brand.
pub fn add_member(cx: &Cx, who: &BrandOwner, once: &Once, asked: &NewMember) -> Outcome<MemberView> {
    add(cx, who, once, who.brand(), asked)
}

fn add(cx: &Cx, who: &impl Pass, once: &Once, brand: &BrandId, asked: &NewMember) -> Outcome<MemberView> {
    let mut errors = Vec::new();
    let email = check_person(&asked.email, &asked.name, ["/email", "/name"], &mut errors);
    let (Some(email), true) = (email, errors.is_empty()) else {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    };
    let secret = cx.dice().secret();
    cx.write_once(who, once, |tx| {
        brands::any_locked(tx, brand)?.or_missing("brand")?;
        join(tx, cx, brand, &email, &asked.name, asked.role, &secret)
    })
}

pub fn list_members(cx: &Cx, who: &BrandViewer) -> Outcome<Page<MemberView>> {
    let rows = cx.read(|c| brands::members_of(c, &BrandScope::from(who)))?;
    Ok(Page { items: rows.into_iter().map(|(m, u)| MemberView::of(m, u)).collect(), next: None })
}

/// A role change counts from the member's next access token on, within ten minutes.
pub fn change_member(cx: &Cx, who: &BrandOwner, user: &UserId, asked: &RoleChange) -> Outcome<MemberView> {
    let scope = BrandScope::from(who);
    cx.write(who, |tx| {
        brands::any_locked(tx, who.brand())?.or_missing("brand")?;
        let member = brands::member(tx, &scope, user)?.or_missing("member")?;
        if member.role == BrandRole::Owner && asked.role != BrandRole::Owner {
            keep_an_owner(tx, &scope, user)?;
        }
        brands::set_role(tx, &scope, user, asked.role)?;
        tx.record(Event::new("member.changed", user).brand(who.brand()).data(json!({ "role": asked.role })))?;
        let row = users::any_find(tx, user)?.or_missing("member")?;
        Ok(MemberView::of(MemberRow { role: asked.role, ..member }, row))
    })
}

/// The person's sessions end; access tokens run out within ten minutes.
pub fn remove_member(cx: &Cx, who: &BrandOwner, user: &UserId) -> Outcome<()> {
    let scope = BrandScope::from(who);
    cx.write(who, |tx| {
        brands::any_locked(tx, who.brand())?.or_missing("brand")?;
        let member = brands::member(tx, &scope, user)?.or_missing("member")?;
        if member.role == BrandRole::Owner {
            keep_an_owner(tx, &scope, user)?;
        }
        brands::remove_member(tx, &scope, user)?;
        sessions::revoke_all(tx, user, "removed from the brand")?;
        tx.record(Event::new("member.removed", user).brand(who.brand()))?;
        Ok(())
    })
}

fn keep_an_owner(tx: &mut Tx, scope: &BrandScope, leaving: &UserId) -> Outcome<()> {
    let another = brands::members_of(tx, scope)?
        .iter()
        .any(|(member, _)| member.role == BrandRole::Owner && member.user_id != *leaving);
    if another { Ok(()) } else { Err(Refusal::new(Code::LastOwner, "This is the only owner.").into()) }
}
