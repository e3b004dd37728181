//! Signing up and in. Refresh tokens rotate: the one before the newest stays good, so that an answer lost on a bad
//! network logs nobody out; an older one, or one from another device, ends the session.

use serde::{Deserialize, Serialize};

use crate::access::token::{ACCESS_TOKEN_SECS, REFRESH_TOKEN_SECS, digest};
use crate::access::{Anyone, Identity, Pass, Person, password};
use crate::context::{Cx, Once};
use crate::db::rows::{OneTimeTokenRow, SessionRow, SignInAttemptRow, UserRow};
use crate::db::{Tx, brands, sessions, users};
use crate::domain::event::{Actor, Event};
use crate::domain::ids::{SessionId, UserId};
use crate::domain::refusal::{Code, Failure, FieldError, Outcome, Refusal};
use crate::domain::time::At;
use crate::domain::user::{StaffRole, UserKind, UserState, normal_email};
use crate::ops::{letters, me};

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    pub email: String,
    pub password: String,
    pub name: String,
    #[serde(default)]
    pub language: Option<String>,
    #[serde(default)]
    pub country: Option<String>,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub email: String,
    pub password: String,
    /// A name the app keeps for this device; refresh tokens are bound to it.
    pub device: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub refresh_token: String,
    pub device: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct SignOut {
    pub refresh_token: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    pub email: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    pub token: String,
    pub password: String,
}

#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct LinkToken {
    pub token: String,
}

/// Tokens of a signed-in device.
#[derive(Serialize, Clone, Debug)]
pub struct Tokens {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
    pub refresh_token: String,
}

const DEVICE_MAX_CHARS: usize = 100;
/// Wrong passwords before signing in pauses.
const FREE_FAILURES: i64 = 5;
const PAUSE_MAX_SECS: i64 = 900;
pub(super) const WRONG_PASSWORDS: &str = "Too many wrong passwords for this e-mail address.";
const VERIFY_LINK_SECS: i64 = 7 * 86_400;
const RESET_LINK_SECS: i64 = 3600;
/// Somebody who was invited has a week to choose a password.
const INVITE_LINK_SECS: i64 = 7 * 86_400;
/// Never the hash of a password: invited people choose one first.
const NO_PASSWORD: &str = "!";

const VERIFY: &str = "verify_email";
const RESET: &str = "reset_password";

/// A worker signs up; a link to verify the e-mail address is sent.
pub fn register(cx: &Cx, who: &Anyone, once: &Once, asked: &Registration) -> Outcome<me::Profile> {
    let mut errors = me::check_profile(Some(&asked.name), asked.language.as_deref(), asked.country.as_deref());
    let email = normal_email(&asked.email);
    if email.is_none() {
        errors.push(FieldError::new("/email", "email", "This is not an e-mail address."));
    }
    errors.extend(password::check_shape(&asked.password, "/password").err());
    let (Some(email), true) = (email, errors.is_empty()) else {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    };
    let hash = password::hash(&asked.password)?;
    let secret = cx.dice().secret();
    cx.write_once(who, once, |tx| {
        let row = UserRow {
            name: asked.name.trim().to_owned(),
            language: asked.language.clone().unwrap_or_else(|| "en".to_owned()),
            country: asked.country.clone(),
            ..new_user(tx, &email, &hash, UserKind::Worker, None)
        };
        users::insert(tx, row.clone())?;
        let event = tx.record(Event::new("user.registered", &row.id))?;
        let link = add_link(tx, cx, &row.id, VERIFY, &secret, VERIFY_LINK_SECS)?;
        letters::send(
            tx,
            &event,
            &email,
            "Welcome to Fieldproof: verify your e-mail address",
            &format!(
                "Hello {},\n\nopen this link to verify your e-mail address; it works for 7 days:\n\n{link}\n",
                row.name
            ),
        )?;
        Ok(me::Profile::of(&row, None, None))
    })
}

fn new_user(tx: &Tx, email: &str, hash: &str, kind: UserKind, staff_role: Option<StaffRole>) -> UserRow {
    UserRow {
        id: tx.id(),
        email: email.to_owned(),
        password_hash: hash.to_owned(),
        kind,
        staff_role,
        name: email.to_owned(),
        language: "en".to_owned(),
        country: None,
        state: UserState::Active,
        email_verified_at: None,
        created_at: tx.now(),
        updated_at: tx.now(),
        version: 1,
    }
}

fn add_link(tx: &mut Tx, cx: &Cx, user: &UserId, purpose: &str, secret: &str, secs: i64) -> Outcome<String> {
    let row = OneTimeTokenRow {
        token_hash: digest(secret),
        user_id: user.clone(),
        purpose: purpose.to_owned(),
        created_at: tx.now(),
        expires_at: tx.now().plus_secs(secs),
        used_at: None,
    };
    users::add_link(tx, row)?;
    let page = if purpose == VERIFY { "verify-email" } else { "reset-password" };
    Ok(format!("{}/{page}?token={secret}", cx.rules().public_url))
}

/// Creates a person of a brand or of the staff, who chooses a password through the link that is sent.
pub fn invite(
    tx: &mut Tx,
    cx: &Cx,
    email: &str,
    name: &str,
    kind: UserKind,
    staff_role: Option<StaffRole>,
    secret: &str,
) -> Outcome<UserRow> {
    let row = UserRow {
        name: name.trim().to_owned(),
        email_verified_at: Some(tx.now()),
        ..new_user(tx, email, NO_PASSWORD, kind, staff_role)
    };
    users::insert(tx, row.clone())?;
    let event = tx.record(Event::new("user.invited", &row.id))?;
    let link = add_link(tx, cx, &row.id, RESET, secret, INVITE_LINK_SECS)?;
    let text = format!(
        "Hello {name},\n\nyou were invited to Fieldproof. Choose a password here; the link works for 7 days:\n\n{link}\n"
    );
    letters::send(tx, &event, email, "You were invited to Fieldproof", &text)?;
    Ok(row)
}

/// Creates a member of staff at the command line of the server.
pub fn create_staff(cx: &Cx, email: &str, name: &str, role: StaffRole, secret: &str) -> Outcome<UserId> {
    let mut errors = Vec::new();
    let normal = normal_email(email);
    if normal.is_none() {
        errors.push(FieldError::new("email", "email", "This is not an e-mail address."));
    }
    errors.extend(password::check_shape(secret, "password").err());
    let (Some(normal), true) = (normal, errors.is_empty()) else {
        return Err(Refusal::fields(Code::InvalidRequest, errors).into());
    };
    let hash = password::hash(secret)?;
    cx.write_as(&Actor::Operator, |tx| {
        let row = UserRow {
            name: name.to_owned(),
            email_verified_at: Some(tx.now()),
            ..new_user(tx, &normal, &hash, UserKind::Staff, Some(role))
        };
        users::insert(tx, row.clone())?;
        tx.record(Event::new("staff.created", &row.id).data(serde_json::json!({ "role": role })))?;
        Ok(row.id)
    })
}

/// Signs a device in.
pub fn create_token(cx: &Cx, who: &Anyone, asked: &Credentials) -> Outcome<Tokens> {
    check_device(&asked.device)?;
    let wrong = || Refusal::new(Code::WrongCredentials, "No sign-in has this e-mail address and this password.");
    let email = normal_email(&asked.email).ok_or_else(wrong)?;
    let user = cx.read(|c| users::any_by_email(c, &email))?;
    count_try(cx, who, &email, WRONG_PASSWORDS)?;
    let user = match user {
        Some(user) if password::matches(&asked.password, &user.password_hash) => user,
        user => {
            if user.is_none_or(|u| u.password_hash == NO_PASSWORD) {
                password::burn(&asked.password);
            }
            // Keyed: who has the log alone cannot tell whose address it is.
            cx.write(who, |tx| tx.record(Event::new("sign_in.failed", cx.vault().mark("email", &email))))?;
            return Err(wrong().into());
        }
    };
    let secret = cx.dice().secret();
    cx.write(who, |tx| {
        // The password was proved before: who was erased since, or changed it, gets no session.
        let proved = users::any_locked(tx, &user.id)?;
        let user = proved.filter(|now| now.password_hash == user.password_hash).ok_or_else(wrong)?;
        users::forget_failures(tx, &email)?;
        let session: SessionId = tx.id();
        let refresh_token = refresh_text(&session, 1, &secret);
        let row = SessionRow {
            id: session.clone(),
            user_id: user.id.clone(),
            device: asked.device.clone(),
            refresh_hash: digest(&refresh_token),
            previous_hash: None,
            generation: 1,
            created_at: tx.now(),
            rotated_at: tx.now(),
            expires_at: tx.now().plus_secs(REFRESH_TOKEN_SECS),
            revoked_at: None,
            revoked_because: None,
        };
        sessions::insert(tx, row)?;
        tx.record(Event::new("session.opened", &session).data(serde_json::json!({ "user": user.id })))?;
        tokens(cx, tx, &user, session, refresh_token)
    })
}

/// Counts a try before it is judged, so that tries at the same moment do not pass a pause together; refuses while there
/// were too many. Who is right forgets them again.
pub(super) fn count_try(cx: &Cx, who: &impl Pass, name: &str, why: &str) -> Outcome<()> {
    cx.write(who, |tx| {
        tx.nothing_changed();
        let row = users::lock_failures(tx, name)?;
        check_pause(tx.now(), &row, why)?;
        users::count_failure(tx, name)
    })
}

fn check_pause(now: At, row: &SignInAttemptRow, why: &str) -> Outcome<()> {
    if row.failures >= FREE_FAILURES {
        let pause = (1_i64 << (row.failures - FREE_FAILURES).min(10)).min(PAUSE_MAX_SECS) * 5;
        let left = pause - now.secs_since(row.last_at);
        if left > 0 {
            let refusal = Refusal::new(Code::TooManyRequests, why);
            return Err(Refusal { retry_after_secs: Some(left.unsigned_abs()), ..refusal }.into());
        }
    }
    Ok(())
}

/// Who is signed in proves once more to be who they are. Wrong tries count like those of signing in.
pub(super) fn prove_password(cx: &Cx, who: &impl Pass, user: &UserId, given: &str) -> Outcome<UserRow> {
    let row = cx.read(|c| users::any_find(c, user))?.ok_or_else(|| Failure::fault("a session of nobody"))?;
    count_try(cx, who, &row.email, WRONG_PASSWORDS)?;
    if row.password_hash == NO_PASSWORD || !password::matches(given, &row.password_hash) {
        cx.write(who, |tx| tx.record(Event::new("password.failed", user)))?;
        return Err(Refusal::new(Code::WrongPassword, "This is not your password.").into());
    }
    cx.write(who, |tx| {
        tx.nothing_changed();
        users::forget_failures(tx, &row.email)
    })?;
    Ok(row)
}

fn check_device(device: &str) -> Outcome<()> {
    if device.is_empty() || device.chars().count() > DEVICE_MAX_CHARS {
        let detail = format!("A device name has 1 to {DEVICE_MAX_CHARS} characters.");
        return Err(Refusal::field("/device", "length", detail).into());
    }
    Ok(())
}

/// `session.generation.secret`: the generation tells an old token from a forged one.
fn refresh_text(session: &SessionId, generation: i64, secret: &str) -> String {
    format!("{session}.{generation}.{secret}")
}

fn tokens(cx: &Cx, tx: &mut Tx, user: &UserRow, session: SessionId, refresh_token: String) -> Outcome<Tokens> {
    let brand = brands::membership(tx, &user.id)?.map(|m| (m.brand_id, m.role));
    let identity = Identity { user: user.id.clone(), session, kind: user.kind, staff_role: user.staff_role, brand };
    Ok(Tokens {
        access_token: cx.keys().sign(&identity, tx.now()),
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_SECS,
        refresh_token,
    })
}

/// What a presented refresh token means for its session.
enum Presented {
    Good,
    Ended,
    /// A copy is about: it is old, or comes from another device.
    Stolen,
}

fn judge(row: &SessionRow, hash: &str, device: &str, now: At) -> Presented {
    if row.revoked_at.is_some() || row.expires_at <= now {
        return Presented::Ended;
    }
    let known = row.refresh_hash == hash || row.previous_hash.as_deref() == Some(hash);
    if known && row.device == device { Presented::Good } else { Presented::Stolen }
}

/// A fresh pair of tokens for a refresh token.
pub fn refresh_token(cx: &Cx, who: &Anyone, asked: &Refresh) -> Outcome<Tokens> {
    check_device(&asked.device)?;
    let ended = || Refusal::new(Code::SessionRevoked, "The refresh token is not good any more.");
    let mut parts = asked.refresh_token.splitn(3, '.');
    let session = parts.next().and_then(SessionId::parse).ok_or_else(ended)?;
    let hash = digest(&asked.refresh_token);
    let secret = cx.dice().secret();
    let refreshed = cx.write(who, |tx| {
        let Some(row) = sessions::any_locked(tx, &session)? else {
            tx.nothing_changed();
            return Ok(None);
        };
        match judge(&row, &hash, &asked.device, tx.now()) {
            Presented::Good => {}
            Presented::Ended => {
                tx.nothing_changed();
                return Ok(None);
            }
            Presented::Stolen => {
                sessions::revoke(tx, &row.id, "an old refresh token or another device")?;
                tx.record(Event::new("session.revoked", &row.id).because("refresh token reused"))?;
                return Ok(None);
            }
        }
        let user = users::any_find(tx, &row.user_id)?.ok_or_else(|| Failure::fault("a session of nobody"))?;
        if user.state == UserState::Erased {
            tx.nothing_changed();
            return Ok(None);
        }
        let fresh = refresh_text(&row.id, row.generation + 1, &secret);
        sessions::rotate(tx, &row, &hash, &digest(&fresh), tx.now().plus_secs(REFRESH_TOKEN_SECS))?;
        tx.record(Event::new("session.refreshed", &row.id))?;
        tokens(cx, tx, &user, row.id, fresh).map(Some)
    })?;
    refreshed.ok_or_else(|| ended().into())
}

/// Ends the session of a refresh token; says nothing about tokens it does not know.
pub fn logout(cx: &Cx, who: &Anyone, asked: &SignOut) -> Outcome<()> {
    let session = asked.refresh_token.split('.').next().and_then(SessionId::parse);
    let hash = digest(&asked.refresh_token);
    cx.write(who, |tx| {
        let row = match &session {
            Some(id) => sessions::any_locked(tx, id)?,
            None => None,
        };
        match row {
            Some(row) if row.refresh_hash == hash || row.previous_hash.as_deref() == Some(hash.as_str()) => {
                sessions::revoke(tx, &row.id, "signed out")?;
                tx.record(Event::new("session.revoked", &row.id).because("signed out"))?;
            }
            _ => tx.nothing_changed(),
        }
        Ok(())
    })
}

/// Sends the verification link again.
pub fn request_verification(cx: &Cx, who: &Person, once: &Once) -> Outcome<()> {
    let secret = cx.dice().secret();
    cx.write_once(who, once, |tx| {
        let user = users::any_find(tx, who.user())?.ok_or_else(|| Failure::fault("a session of nobody"))?;
        if user.email_verified_at.is_some() {
            tx.nothing_changed();
            return Ok(());
        }
        let event = tx.record(Event::new("user.verification_requested", &user.id))?;
        let link = add_link(tx, cx, &user.id, VERIFY, &secret, VERIFY_LINK_SECS)?;
        let text = format!("Hello {},\n\nopen this link to verify your e-mail address:\n\n{link}\n", user.name);
        letters::send(tx, &event, &user.email, "Verify your e-mail address", &text)
    })
}

/// Uses up a verification link.
pub fn verify_email(cx: &Cx, who: &Anyone, asked: &LinkToken) -> Outcome<()> {
    cx.write(who, |tx| {
        let user = users::use_link(tx, &digest(&asked.token), VERIFY)?
            .ok_or_else(|| Refusal::new(Code::TokenUsed, "This link is not good any more."))?;
        users::set_verified(tx, &user)?;
        tx.record(Event::new("user.email_verified", &user))?;
        Ok(())
    })
}

/// Sends a link to choose a new password, if the address is known; the answer is the same if it is not.
pub fn request_password_reset(cx: &Cx, who: &Anyone, asked: &ResetRequest) -> Outcome<()> {
    let Some(email) = normal_email(&asked.email) else {
        return Err(Refusal::field("/email", "email", "This is not an e-mail address.").into());
    };
    let secret = cx.dice().secret();
    cx.write(who, |tx| {
        let Some(user) = users::any_by_email(tx, &email)? else {
            tx.nothing_changed();
            return Ok(());
        };
        let event = tx.record(Event::new("user.reset_requested", &user.id))?;
        let link = add_link(tx, cx, &user.id, RESET, &secret, RESET_LINK_SECS)?;
        let text = format!("Hello {},\n\nchoose a new password here; the link works for an hour:\n\n{link}\n\nIf you did not ask for it, ignore this message.\n", user.name);
        letters::send(tx, &event, &email, "Choose a new password", &text)
    })
}

/// Uses up a reset link: the password changes, every session ends, and the address is proven.
pub fn reset_password(cx: &Cx, who: &Anyone, asked: &NewPassword) -> Outcome<()> {
    password::check_shape(&asked.password, "/password")
        .map_err(|error| Refusal::fields(Code::InvalidRequest, vec![error]))?;
    let hash = password::hash(&asked.password)?;
    cx.write(who, |tx| {
        let user = users::use_link(tx, &digest(&asked.token), RESET)?
            .ok_or_else(|| Refusal::new(Code::TokenUsed, "This link is not good any more."))?;
        users::set_password(tx, &user, &hash)?;
        users::set_verified(tx, &user)?;
        sessions::revoke_all(tx, &user, "password changed")?;
        tx.record(Event::new("user.password_changed", &user))?;
        Ok(())
    })
}
