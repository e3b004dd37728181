//! Photos of a visit. Bytes are streamed and durable first, the row comes second (I12). A photo is sent again safely: its
//! key is the phone's own id together with its SHA-256. The last photo of a sealed manifest starts the checks.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::access::Worker;
use crate::access::scope::WorkerScope;
use crate::context::Cx;
use crate::db::rows::{EvidenceRow, ReservationRow, SubmissionRow};
use crate::db::types::Json;
use crate::db::{Conn, evidence, queue, reservations, submissions};
use crate::domain::capture::{Envelope, Source};
use crate::domain::event::Event;
use crate::domain::ids::{EvidenceId, ReservationId, SubmissionId};
use crate::domain::place::Point;
use crate::domain::refusal::{Code, FieldError, OrMissing, Outcome, Refusal};
use crate::domain::submission::SubmissionState;
use crate::domain::time::At;
use crate::ops::submissions::{ELAPSED_MAX_MS, photos_complete};

/// Photos of one visit.
pub const PHOTOS_MAX: i64 = 200;
/// Bytes of one photo.
pub const PHOTO_MAX_BYTES: i64 = 30 * 1024 * 1024;

/// What the phone says about a photo that it sends.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields)]
pub struct AskedEvidence {
    /// The phone's own id of the photo: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub client_id: String,
    /// JSON pointer of the question it answers (`/brand/acme/shelf`); absent for a photo of the visit as a whole.
    #[serde(default)]
    pub question: String,
    pub sha256: String,
    pub captured_at: Option<At>,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub accuracy_m: Option<f64>,
    #[serde(default)]
    pub mock: bool,
    pub file_name: Option<String>,
    /// How the app got the picture: `camera` or `gallery`.
    pub source: Option<Source>,
    /// The reservation's nonce, as the app's camera knew it.
    pub nonce: Option<String>,
    /// Milliseconds on the phone's monotonic clock from the answer to the reservation to the shutter.
    pub elapsed_ms: Option<i64>,
    /// 1 for the first photo of the visit that is kept, then counting.
    pub sequence: Option<i64>,
    /// SHA-256 of the photo with the number before.
    pub previous_sha256: Option<String>,
    /// The phone's id of the photo whose subject this one shows from a step to the side; such a photo has no `question`.
    pub angle_of: Option<String>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct EvidenceView {
    pub id: EvidenceId,
    pub reservation_id: ReservationId,
    pub client_id: String,
    pub question: String,
    pub sha256: String,
    pub size_bytes: i64,
    pub content_type: String,
    pub received_at: At,
    pub checked: bool,
    /// The submission whose manifest names it, when it is sealed.
    pub submission_id: Option<SubmissionId>,
    /// Photos of that manifest that still are to come.
    pub photos_missing: Option<i64>,
}

pub(super) fn client_id_error(pointer: String, id: &str) -> Option<FieldError> {
    let fits = (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    (!fits).then(|| FieldError::new(pointer, "pattern", "1 to 64 letters, digits, `.`, `_` or `-`."))
}

pub(super) fn sha256_error(pointer: String, text: &str) -> Option<FieldError> {
    let fits = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    (!fits).then(|| FieldError::new(pointer, "pattern", "64 hexadecimal digits, lower case."))
}

pub(super) fn question_error(pointer: String, text: &str) -> Option<FieldError> {
    let fits = text.chars().count() <= 200 && !text.chars().any(char::is_control);
    (!fits).then(|| FieldError::new(pointer, "length", "At most 200 characters, no control characters."))
}

impl AskedEvidence {
    fn errors(&self) -> Vec<FieldError> {
        let mut errors: Vec<FieldError> = [
            client_id_error("client_id".to_owned(), &self.client_id),
            sha256_error("sha256".to_owned(), &self.sha256),
            question_error("question".to_owned(), &self.question),
        ]
        .into_iter()
        .flatten()
        .collect();
        match (self.lat, self.lon) {
            (None, None) => {}
            (Some(lat), Some(lon)) if Point::new(lat, lon).is_some() => {}
            (Some(_), Some(_)) => {
                errors.push(FieldError::new("lat", "out_of_range", "lat lies in -90..=90 and lon in -180..=180."));
            }
            _ => errors.push(FieldError::new("lat", "both_or_none", "lat and lon come together.")),
        }
        if self.accuracy_m.is_some_and(|m| !(0.0..=100_000.0).contains(&m)) {
            errors.push(FieldError::new("accuracy_m", "out_of_range", "accuracy_m lies in 0..=100000."));
        }
        if self.nonce.as_ref().is_some_and(|nonce| nonce.len() > 64) {
            errors.push(FieldError::new("nonce", "length", "At most 64 characters."));
        }
        if self.elapsed_ms.is_some_and(|ms| !(0..=ELAPSED_MAX_MS).contains(&ms)) {
            errors.push(FieldError::new("elapsed_ms", "out_of_range", "0 to 31536000000 milliseconds."));
        }
        if self.sequence.is_some_and(|n| !(1..=10_000).contains(&n)) {
            errors.push(FieldError::new("sequence", "out_of_range", "1 to 10000."));
        }
        errors.extend(self.previous_sha256.as_ref().and_then(|sha| sha256_error("previous_sha256".to_owned(), sha)));
        if let Some(other) = &self.angle_of {
            errors.extend(client_id_error("angle_of".to_owned(), other));
            if !self.question.is_empty() {
                errors.push(FieldError::new("question", "unexpected", "A second angle proves no answer of its own."));
            }
        }
        if let Some(name) = &self.file_name
            && (name.chars().count() > 200 || name.chars().any(char::is_control))
        {
            errors.push(FieldError::new("file_name", "length", "At most 200 characters, no control characters."));
        }
        errors
    }
}

/// Refuses a photo that would not be kept, before its bytes are read.
pub fn announce(cx: &Cx, who: &Worker, id: &ReservationId, asked: &AskedEvidence) -> Outcome<()> {
    cx.read(|c| {
        let row = reservations::find(c, &WorkerScope::from(who), id)?.or_missing("reservation")?;
        let errors = asked.errors();
        if !errors.is_empty() {
            return Err(Refusal::fields(Code::InvalidRequest, errors).into());
        }
        let submission = submissions::any_of_reservation(c, &row.id)?;
        admit(c, &row, submission.as_ref(), asked).map(|_| ())
    })
}

/// The photo when it is here already; else `None`, or a refusal when the visit takes no such photo.
fn admit(
    c: &mut Conn,
    row: &ReservationRow,
    submission: Option<&SubmissionRow>,
    asked: &AskedEvidence,
) -> Outcome<Option<EvidenceRow>> {
    let differs = || Refusal::new(Code::PhotoDiffers, "Another photo was sent or announced under this client id.");
    if let Some(known) = evidence::any_by_client_id(c, &row.id, &asked.client_id)? {
        return if known.sha256 == asked.sha256 { Ok(Some(known)) } else { Err(differs().into()) };
    }
    let announced = match submission {
        Some(submission) => {
            let manifest = submissions::photos(c, &submission.id)?;
            manifest.into_iter().map(|(photo, _)| photo).find(|photo| photo.client_id == asked.client_id)
        }
        None => None,
    };
    if announced.as_ref().is_some_and(|photo| photo.sha256 != asked.sha256) {
        return Err(differs().into());
    }
    // After the seal: what its manifest announced, until it is decided; and anything new for a correction.
    let welcome = match submission.map(|s| s.state) {
        None => row.state.is_live(),
        Some(SubmissionState::NeedsCorrection) => true,
        Some(SubmissionState::Sealed | SubmissionState::InReview) => announced.is_some(),
        Some(_) => false,
    };
    if !welcome {
        let detail = "The visit takes no more photos.";
        return Err(Refusal::new(Code::ReservationOver, detail).into());
    }
    if evidence::count_of_reservation(c, &row.id)? >= PHOTOS_MAX {
        return Err(Refusal::new(Code::TooManyPhotos, format!("It has {PHOTOS_MAX} already.")).into());
    }
    Ok(None)
}

/// Writes the row of a photo whose bytes are durable, and queues its check. The same photo again answers the same, and
/// `false`: it is not new.
pub fn record(
    cx: &Cx,
    who: &Worker,
    id: &ReservationId,
    asked: &AskedEvidence,
    content_type: &str,
    size_bytes: i64,
) -> Outcome<(bool, EvidenceView)> {
    let worker = WorkerScope::from(who);
    let recorded = cx.write(who, |tx| {
        let now = tx.now();
        let row = reservations::locked(tx, &worker, id)?.or_missing("reservation")?;
        let submission = submissions::any_of_reservation_locked(tx, id)?;
        if let Some(known) = admit(tx, &row, submission.as_ref(), asked)? {
            tx.nothing_changed();
            return Ok((false, view(tx, known, submission.as_ref())?));
        }
        let photo = EvidenceRow {
            id: tx.id(),
            reservation_id: row.id.clone(),
            worker_id: row.worker_id.clone(),
            brand_id: row.brand_id.clone(),
            client_id: asked.client_id.clone(),
            question: asked.question.clone(),
            sha256: asked.sha256.clone(),
            size_bytes,
            content_type: content_type.to_owned(),
            file_name: asked.file_name.clone(),
            capture: Json(json!({
                "captured_at": asked.captured_at,
                "lat": asked.lat,
                "lon": asked.lon,
                "accuracy_m": asked.accuracy_m,
                "mock": asked.mock,
                "envelope": Envelope {
                    source: asked.source,
                    nonce: asked.nonce.clone(),
                    elapsed_ms: asked.elapsed_ms,
                    sequence: asked.sequence,
                    previous_sha256: asked.previous_sha256.clone(),
                    angle_of: asked.angle_of.clone(),
                },
            })),
            received_at: now,
            checked_at: None,
            check_version: None,
            facts: None,
            pdq: None,
            pdq_quality: None,
            rendition_large: None,
            rendition_small: None,
            hash_seq: None,
            pdq_trimmed: None,
            pdq_trimmed_quality: None,
            compared_at: None,
            faces_hidden: None,
        };
        evidence::add(tx, &photo)?;
        queue::enqueue(tx, "check_evidence", photo.id.as_str(), now)?;
        let event = Event::new("evidence.received", &photo.id).brand(&photo.brand_id);
        let data = json!({ "reservation": row.id, "sha256": photo.sha256, "size_bytes": size_bytes });
        tx.record(event.data(data))?;
        let mut submission = submission;
        if let Some(sealed) = &submission {
            submissions::link_photo(tx, &sealed.id, &photo.client_id, &photo.id)?;
            if sealed.state == SubmissionState::Sealed && submissions::missing_photos(tx, &sealed.id)? == 0 {
                submission = Some(photos_complete(tx, sealed)?);
            }
        }
        Ok((true, view(tx, photo, submission.as_ref())?))
    })?;
    cx.wake_jobs();
    Ok(recorded)
}

fn view(c: &mut Conn, row: EvidenceRow, submission: Option<&SubmissionRow>) -> Outcome<EvidenceView> {
    let photos_missing = submission.map(|s| submissions::missing_photos(c, &s.id)).transpose()?;
    Ok(EvidenceView {
        id: row.id,
        reservation_id: row.reservation_id,
        client_id: row.client_id,
        question: row.question,
        sha256: row.sha256,
        size_bytes: row.size_bytes,
        content_type: row.content_type,
        received_at: row.received_at,
        checked: row.checked_at.is_some(),
        submission_id: submission.map(|s| s.id.clone()),
        photos_missing,
    })
}
