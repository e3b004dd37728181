//! A person about themselves.

use serde::{Deserialize, Serialize};

use crate::access::{Person, Worker};
use crate::context::Cx;
use crate::db::rows::{MemberRow, SanctionRow, UserRow};
use crate::db::{brands, users};
use crate::domain::brand::BrandRole;
use crate::domain::event::Event;
use crate::domain::ids::{BrandId, UserId};
use crate::domain::refusal::{Code, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::store::is_country;
use crate::domain::time::At;
use crate::domain::user::{StaffRole, UserKind, UserState};
use crate::ops::workers::Standing;

/// What a person sees of their own row.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Profile {
    pub id: UserId,
    pub email: String,
    pub email_verified: bool,
    pub kind: UserKind,
    pub staff_role: Option<StaffRole>,
    pub brand_id: Option<BrandId>,
    pub brand_role: Option<BrandRole>,
    pub name: String,
    pub language: String,
    pub country: Option<String>,
    pub state: UserState,
    /// Why, when suspended.
    pub suspension_code: Option<String>,
    pub suspension_text: Option<String>,
    pub created_at: At,
    pub version: i64,
}

impl Profile {
    pub fn of(row: &UserRow, member: Option<&MemberRow>, sanction: Option<&SanctionRow>) -> Profile {
        let sanction = sanction.filter(|s| s.action == "suspend" && row.state == UserState::Suspended);
        Profile {
            id: row.id.clone(),
            email: row.email.clone(),
            email_verified: row.email_verified_at.is_some(),
            kind: row.kind,
            staff_role: row.staff_role,
            brand_id: member.map(|m| m.brand_id.clone()),
            brand_role: member.map(|m| m.role),
            name: row.name.clone(),
            language: row.language.clone(),
            country: row.country.clone(),
            state: row.state,
            suspension_code: sanction.map(|s| s.code.clone()),
            suspension_text: sanction.map(|s| s.text.clone()),
            created_at: row.created_at,
            version: row.version,
        }
    }
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ProfileChange {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub country: Option<String>,
}

pub const LANGUAGES: [&str; 3] = ["en", "fr", "nl"];
pub const NAME_MAX_CHARS: usize = 100;

/// What the worker may do, and what is missing for the next level.
pub fn get_standing(cx: &Cx, who: &Worker) -> Outcome<Standing> {
    cx.read(|c| Standing::read(c, who.user()))
}

/// Bounds of what people say about themselves.
pub fn check_profile(name: Option<&str>, language: Option<&str>, country: Option<&str>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if name
        .is_some_and(|n| n.trim().is_empty() || n.chars().count() > NAME_MAX_CHARS || n.chars().any(char::is_control))
    {
        let detail = format!("A name has 1 to {NAME_MAX_CHARS} characters.");
        errors.push(FieldError::new("/name", "length", detail));
    }
    if language.is_some_and(|l| !LANGUAGES.contains(&l)) {
        errors.push(FieldError::new("/language", "unknown", format!("One of {}.", LANGUAGES.join(", "))));
    }
    if country.is_some_and(|c| !is_country(c)) {
        errors.push(FieldError::new(
            "/country",
            "country_unknown",
            "An ISO 3166 code of two capital letters, such as CH.",
        ));
    }
    errors
}

pub fn get_me(cx: &Cx, who: &Person) -> Outcome<Profile> {
    cx.read(|c| {
        let row = users::any_find(c, who.user())?.or_missing("person")?;
        let member = brands::membership(c, who.user())?;
        let sanction = users::last_sanction(c, who.user())?;
        Ok(Profile::of(&row, member.as_ref(), sanction.as_ref()))
    })
}

pub fn update_me(cx: &Cx, who: &Person, version: i64, asked: &ProfileChange) -> Outcome<Profile> {
    let errors = check_profile(asked.name.as_deref(), asked.language.as_deref(), asked.country.as_deref());
    if !errors.is_empty() {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    }
    cx.write(who, |tx| {
        let mut row = users::any_find(tx, who.user())?.or_missing("person")?;
        if let Some(name) = &asked.name {
            row.name = name.trim().to_owned();
        }
        if let Some(language) = &asked.language {
            row.language = language.clone();
        }
        if asked.country.is_some() {
            row.country = asked.country.clone();
        }
        if !users::set_profile(tx, &row, version)? {
            return Err(Refusal::new(Code::Stale, "Your profile was changed elsewhere.").into());
        }
        tx.record(Event::new("user.profile_changed", &row.id))?;
        row.version = version + 1;
        let member = brands::membership(tx, who.user())?;
        let sanction = users::last_sanction(tx, who.user())?;
        Ok(Profile::of(&row, member.as_ref(), sanction.as_ref()))
    })
}
