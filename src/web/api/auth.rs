//! Signing up and in, and the two pages that links in e-mails open.

use actix_web::{HttpResponse, web};
use serde::Deserialize;

use crate::access::{Anyone, Person};
use crate::domain::refusal::{Failure, Outcome};
use crate::ops::auth::{Credentials, LinkToken, NewPassword, Refresh, Registration, ResetRequest, SignOut};
use crate::ops::{self};
use crate::web::body::{Asked, Body, Nothing, Params};
use crate::web::gate::{Answer, Gate};

pub async fn register(gate: Gate<Anyone>, asked: Asked<Registration>) -> Answer {
    let profile = gate.run(move |cx, who| ops::auth::register(cx, who, &asked.once, &asked.body)).await?;
    gate.created("/v1/me".to_owned(), &profile)
}

pub async fn create_token(gate: Gate<Anyone>, asked: Body<Credentials>) -> Answer {
    let tokens = gate.run(move |cx, who| ops::auth::create_token(cx, who, &asked.0)).await?;
    gate.ok(&tokens)
}

pub async fn refresh_token(gate: Gate<Anyone>, asked: Body<Refresh>) -> Answer {
    let tokens = gate.run(move |cx, who| ops::auth::refresh_token(cx, who, &asked.0)).await?;
    gate.ok(&tokens)
}

pub async fn logout(gate: Gate<Anyone>, asked: Body<SignOut>) -> Answer {
    gate.run(move |cx, who| ops::auth::logout(cx, who, &asked.0)).await?;
    gate.nothing()
}

pub async fn request_verification(gate: Gate<Person>, asked: Asked<Nothing>) -> Answer {
    gate.run(move |cx, who| ops::auth::request_verification(cx, who, &asked.once)).await?;
    gate.nothing()
}

pub async fn verify_email(gate: Gate<Anyone>, asked: Body<LinkToken>) -> Answer {
    gate.run(move |cx, who| ops::auth::verify_email(cx, who, &asked.0)).await?;
    gate.nothing()
}

pub async fn request_password_reset(gate: Gate<Anyone>, asked: Body<ResetRequest>) -> Answer {
    gate.run(move |cx, who| ops::auth::request_password_reset(cx, who, &asked.0)).await?;
    gate.nothing()
}

pub async fn reset_password(gate: Gate<Anyone>, asked: Body<NewPassword>) -> Answer {
    gate.run(move |cx, who| ops::auth::reset_password(cx, who, &asked.0)).await?;
    gate.nothing()
}

#[derive(Deserialize)]
pub struct LinkParams {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub struct PasswordForm {
    token: String,
    password: String,
}

/// A button, not an action: mail scanners open links.
pub async fn verify_email_page(_gate: Gate<Anyone>, params: Params<LinkParams>) -> Answer {
    Ok(page("Verify your e-mail address", &form("verify-email", &params.0.token, "", "Verify")))
}

pub async fn verify_email_form(gate: Gate<Anyone>, form: web::Form<LinkToken>) -> Answer {
    let done = gate.run(move |cx, who| ops::auth::verify_email(cx, who, &form)).await;
    told(done, "Your e-mail address is verified. You can go back to the app.")
}

pub async fn reset_password_page(_gate: Gate<Anyone>, params: Params<LinkParams>) -> Answer {
    let field = "<p><label>New password (10 characters or more)<br><input type=\"password\" name=\"password\" \
                 minlength=\"10\" maxlength=\"256\" autocomplete=\"new-password\" required></label></p>";
    Ok(page("Choose a new password", &form("reset-password", &params.0.token, field, "Save")))
}

pub async fn reset_password_form(gate: Gate<Anyone>, form: web::Form<PasswordForm>) -> Answer {
    let PasswordForm { token, password } = form.into_inner();
    let done = gate.run(move |cx, who| ops::auth::reset_password(cx, who, &NewPassword { token, password })).await;
    told(done, "Your password is changed. Sign in with it.")
}

fn told(done: Outcome<()>, news: &str) -> Answer {
    match done {
        Ok(()) => Ok(page("Done", &format!("<p>{news}</p>"))),
        Err(Failure::Refused(refusal)) => {
            Ok(page(refusal.code.title(), &format!("<p>{}</p><p>{}</p>", escape(&refusal.detail), refusal.code.help())))
        }
        Err(fault) => Err(fault),
    }
}

fn form(action: &str, token: &str, fields: &str, button: &str) -> String {
    let token = escape(token);
    format!(
        "<form method=\"post\" action=\"/{action}\"><input type=\"hidden\" name=\"token\" value=\"{token}\">{fields}\
         <p><button>{button}</button></p></form>"
    )
}

/// Text as it may stand in a page.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

fn page(title: &str, body: &str) -> HttpResponse {
    let page = super::meta::html(title, &format!("<h1>{title}</h1>{body}"));
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("referrer-policy", "no-referrer"))
        .insert_header(("cache-control", "no-store"))
        .body(page)
}
