//! The people of the demonstration and what each can do with a phone or at a desk: they register, open the links in their
//! letters, sign in, and act through the operations with the passes that their access tokens give them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest, Sha256};

use super::script::{Picture, Shot, Visit};
use crate::access::token::hex;
use crate::access::{Anyone, Identity, Pass, Worker};
use crate::checks::stamp::stamp;
use crate::context::{App, Cx, Once};
use crate::db::outbox;
use crate::domain::capture::Source;
use crate::domain::ids::MissionId;
use crate::domain::place::Point;
use crate::domain::refusal::{Failure, OrMissing, Outcome};
use crate::domain::store::Zone;
use crate::domain::time::At;
use crate::jobs;
use crate::ops::auth::{Credentials, LinkToken, NewPassword, Registration};
use crate::ops::evidence::{AskedEvidence, PHOTO_MAX_BYTES};
use crate::ops::reservations::{AskedFix, CheckIn, ReservationView};
use crate::ops::submissions::{Anchor, AskedPhoto, Precheck, Seal, SubmissionView};
use crate::ops::{auth, evidence, reservations, submissions};

/// Everybody's.
pub const PASSWORD: &str = "lac-leman-demo";

/// The stage: the program, and the tokens of those who have signed in.
pub struct Stage<'a> {
    pub app: &'a App,
    /// Tells the keys of this start from those of another.
    run: String,
    keys_used: Cell<u32>,
    signed_in: RefCell<HashMap<String, Identity>>,
}

impl<'a> Stage<'a> {
    pub fn new(app: &'a App) -> Stage<'a> {
        let run = app.core.dice.trace_id();
        Stage { app, run, keys_used: Cell::new(0), signed_in: RefCell::default() }
    }

    pub fn cx(&self) -> Cx {
        self.app.cx()
    }

    pub fn now(&self) -> At {
        self.app.now()
    }

    /// Moves the clock on to `at`; a clock that is past it already stays.
    pub fn wait_until(&self, at: At) {
        self.app.core.clock.advance_secs(at.secs_since(self.now()).max(0));
    }

    pub fn wait_minutes(&self, minutes: i64) {
        self.app.core.clock.advance_secs(minutes * 60);
    }

    /// Lets the machine do all that it has to do by now. A visit whose photos were still being looked at is assessed
    /// some seconds later.
    pub async fn machine_works(&self) -> Outcome<()> {
        jobs::run_until_idle(self.app).await?;
        self.app.core.clock.advance_secs(10);
        jobs::run_until_idle(self.app).await
    }

    /// A request of its own.
    pub fn once(&self) -> Once {
        let number = self.keys_used.get() + 1;
        self.keys_used.set(number);
        let key = format!("{}-{number}", self.run);
        Once { route: "demo".to_owned(), request_hash: key.clone(), key }
    }

    /// The pass that this person's role gives.
    pub fn as_<P: Pass>(&self, email: &str) -> Outcome<P> {
        if let Some(identity) = self.signed_in.borrow().get(email) {
            return Ok(P::admit(Some(identity))?);
        }
        let asked =
            Credentials { email: email.to_owned(), password: PASSWORD.to_owned(), device: "demo phone".to_owned() };
        let tokens = auth::create_token(&self.cx(), &Anyone::admit(None)?, &asked)?;
        let identity = self.app.core.keys.verify(&tokens.access_token, self.now());
        let identity = identity.ok_or_else(|| Failure::fault("a fresh access token is not good"))?;
        let pass = P::admit(Some(&identity))?;
        self.signed_in.borrow_mut().insert(email.to_owned(), identity);
        Ok(pass)
    }

    /// The secret of the link in the newest letter to this person.
    pub fn link_token(&self, email: &str) -> Outcome<String> {
        let letters = self.app.core.db.read(|c| outbox::any_letters(c, None, 10_000))?;
        letters.iter().rev().find(|letter| letter.address == email).and_then(token_of).or_missing("link")
    }

    /// Chooses a password through the link of an invitation.
    pub fn accept_invitation(&self, email: &str) -> Outcome<()> {
        let asked = NewPassword { token: self.link_token(email)?, password: PASSWORD.to_owned() };
        auth::reset_password(&self.cx(), &Anyone::admit(None)?, &asked)
    }

    pub fn register(&self, email: &str, name: &str, language: &str) -> Outcome<()> {
        let asked = Registration {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
            name: name.to_owned(),
            language: Some(language.to_owned()),
            country: Some("CH".to_owned()),
        };
        auth::register(&self.cx(), &Anyone::admit(None)?, &self.once(), &asked).map(|_| ())
    }

    pub fn verify_email(&self, email: &str) -> Outcome<()> {
        let asked = LinkToken { token: self.link_token(email)? };
        auth::verify_email(&self.cx(), &Anyone::admit(None)?, &asked)
    }

    /// A whole visit as the app does it: reserve, travel, check in, photos, precheck, seal. Then the machine works.
    pub async fn visit(&self, email: &str, at: &Place, visit: &Visit) -> Outcome<SubmissionView> {
        let worker: Worker = self.as_(email)?;
        let reservation = reservations::reserve(&self.cx(), &worker, &self.once(), &at.mission)?;
        self.wait_minutes(12);
        // Some metres from the pin, as the door is; or as far off as the script says.
        let here = Point::new(at.point.lat() + (visit.metres_off + 18.0) / 111_195.0, at.point.lon())
            .ok_or_else(|| Failure::fault("a store at the pole"))?;
        let fix = |at: At| AskedFix {
            lat: here.lat(),
            lon: here.lon(),
            accuracy_m: 14.0,
            at,
            altitude_m: None,
            speed_mps: None,
            bearing_deg: None,
            provider: None,
            elapsed_ms: None,
            photo: None,
            mock: false,
        };
        let asked = CheckIn { fixes: vec![fix(self.now())], device_id: None, reserved_elapsed_ms: None };
        let checked_in = reservations::check_in(&self.cx(), &worker, &self.once(), &reservation.id, &asked)?;
        self.wait_minutes(2);
        let mut photos = Vec::new();
        for shot in &visit.shots {
            let photo = self.send_photo(&worker, &reservation, &photos, shot, here).await?;
            photos.push(photo);
            self.wait_minutes(2);
        }
        jobs::run_until_idle(self.app).await?;
        let asked = Precheck {
            outcome: Some(visit.outcome),
            answers: Some(visit.answers.clone()),
            photos: Vec::new(),
            wait_secs: 0,
        };
        submissions::precheck(&self.cx(), &worker, &reservation.id, &asked, None)?;
        let sealed_now = self.now();
        let asked = Seal {
            outcome: visit.outcome,
            answers: visit.answers.clone(),
            photos,
            fixes: vec![fix(sealed_now)],
            elapsed_ms: Some(sealed_now.secs_since(checked_in.checked_in_at) * 1000),
            anchor: Anchor::CheckIn,
        };
        let sealed = submissions::seal(&self.cx(), &worker, &self.once(), &reservation.id, &asked)?;
        self.machine_works().await?;
        Ok(submissions::get_submission(&self.cx(), &worker, &sealed.id, None)?.submission)
    }

    /// Takes a photo now and here, and sends it.
    async fn send_photo(
        &self,
        worker: &Worker,
        visit: &ReservationView,
        before: &[AskedPhoto],
        shot: &Shot,
        here: Point,
    ) -> Outcome<AskedPhoto> {
        let now = self.now();
        let jpeg = taken(shot.picture, now, here)?;
        let asked = AskedEvidence {
            client_id: format!("photo-{}", before.len() + 1),
            question: shot.question.to_owned(),
            sha256: hex(&Sha256::digest(&jpeg)),
            captured_at: Some(now),
            lat: Some(here.lat()),
            lon: Some(here.lon()),
            accuracy_m: Some(14.0),
            mock: false,
            file_name: None,
            source: Some(Source::Camera),
            nonce: Some(visit.nonce.clone()),
            elapsed_ms: Some(now.secs_since(visit.server_time) * 1000),
            sequence: i64::try_from(before.len() + 1).ok(),
            previous_sha256: before.last().map(|photo| photo.sha256.clone()),
            angle_of: None,
        };
        evidence::announce(&self.cx(), worker, &visit.id, &asked)?;
        let size_bytes = i64::try_from(jpeg.len()).map_err(Failure::fault)?;
        let limit = u64::try_from(PHOTO_MAX_BYTES).map_err(Failure::fault)?;
        let body = stream::iter([Ok::<_, std::io::Error>(Bytes::from(jpeg))]);
        self.app.blobs.receive(&asked.sha256, limit, body).await?;
        self.wait_seconds(3);
        evidence::record(&self.cx(), worker, &visit.id, &asked, "image/jpeg", size_bytes)?;
        Ok(AskedPhoto { client_id: asked.client_id, question: asked.question, sha256: asked.sha256, size_bytes })
    }

    fn wait_seconds(&self, secs: i64) {
        self.app.core.clock.advance_secs(secs);
    }
}

/// The secret of the link in a letter.
pub fn token_of(letter: &crate::db::rows::OutboxRow) -> Option<String> {
    let text = letter.body.0.get("text")?.as_str()?;
    text.split("token=").nth(1)?.split_whitespace().next().map(str::to_owned)
}

/// Where a mission is.
#[derive(Clone, Debug)]
pub struct Place {
    pub mission: MissionId,
    pub label: String,
    pub point: Point,
}

/// The picture as a phone's camera would have written it at that moment.
fn taken(picture: Picture, now: At, here: Point) -> Outcome<Vec<u8>> {
    let zone = Zone::parse(super::day::ZONE).map_err(|e| Failure::fault(e.message))?;
    let jpeg = picture.jpeg()?;
    stamp(&jpeg, now, &zone, here, "Fairphone", "FP5").ok_or_else(|| Failure::fault("a picture is no JPEG"))
}
