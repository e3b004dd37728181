//! Every "no" has a name. One table: code, kind, may trying again help, title, help. Problem details, the `/problems`
//! pages and tests are made from it. The domain knows kinds, not status codes.

use std::fmt;

/// What sort of "no"; `web::problem` alone maps it to a status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Invalid,
    Unauthenticated,
    Forbidden,
    Missing,
    Conflict,
    Stale,
    Gone,
    TooLarge,
    Unsupported,
    Unprocessable,
    TooMany,
    Busy,
}

/// May the same request succeed later without being changed?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    Final,
    Transient,
}

macro_rules! catalogue {
    ($($variant:ident $code:literal $kind:ident $retry:ident $title:literal $help:literal)+) => {
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $($variant),+ }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];
            pub fn as_str(self) -> &'static str { match self { $(Code::$variant => $code),+ } }
            pub fn kind(self) -> Kind { match self { $(Code::$variant => Kind::$kind),+ } }
            pub fn retry(self) -> Retry { match self { $(Code::$variant => Retry::$retry),+ } }
            pub fn title(self) -> &'static str { match self { $(Code::$variant => $title),+ } }
            pub fn help(self) -> &'static str { match self { $(Code::$variant => $help),+ } }
            pub fn parse(text: &str) -> Option<Code> { match text { $($code => Some(Code::$variant),)+ _ => None } }
        }
    };
}

catalogue! {
    InvalidRequest "invalid_request" Invalid Final "The request has errors"
        "Correct the fields named in `errors` and send it again."
    InvalidJson "invalid_json" Invalid Final "The body is not the JSON this operation takes"
        "The detail names the field and the column. Send `Content-Type: application/json`."
    InvalidCursor "invalid_cursor" Invalid Final "The cursor cannot be read"
        "Use the `next` link of the page before, unchanged, or start again without a cursor."
    IdempotencyKeyMissing "idempotency_key_missing" Invalid Final "The Idempotency-Key header is missing"
        "Send a header `Idempotency-Key` with a value of your own, 8 to 80 visible characters, and repeat it on a retry."
    IdempotencyKeyReused "idempotency_key_reused" Unprocessable Final "This Idempotency-Key was used for another request"
        "A key belongs to one request. Take a new key for a new request."
    KeyInFlight "key_in_flight" Conflict Transient "A request with this Idempotency-Key is still running"
        "Wait a moment and send the same request with the same key again."
    Unauthenticated "unauthenticated" Unauthenticated Final "Sign in first"
        "Send `Authorization: Bearer` with an access token from `POST /auth/token`; refresh it when it has expired."
    WrongCredentials "wrong_credentials" Unauthenticated Final "E-mail or password is wrong"
        "Check both. After several wrong tries signing in pauses for some minutes."
    SessionRevoked "session_revoked" Unauthenticated Final "This session has ended"
        "Sign in again. If you did not sign out, change your password: the refresh token may have been copied."
    Forbidden "forbidden" Forbidden Final "Your role may not do this"
        "Ask a person with the role that the documentation names for this operation."
    Suspended "suspended" Forbidden Final "This person is suspended"
        "The reason was sent by e-mail and stands in the profile. Earned money can still be paid out."
    EmailNotVerified "email_not_verified" Forbidden Final "The e-mail address is not verified"
        "Open the link in the e-mail that was sent, or ask for a new one."
    NotFound "not_found" Missing Final "There is no such thing here"
        "Check the address and the id."
    MethodNotAllowed "method_not_allowed" Missing Final "This address does not take that method"
        "The `Allow` header names the methods it takes."
    Stale "stale" Stale Final "It was changed in the meantime"
        "Read it again and repeat your change with the new ETag in `If-Match`."
    PreconditionMissing "precondition_missing" Unprocessable Final "The If-Match header is missing"
        "Send the ETag of what you read in `If-Match`, so that nobody's change is lost."
    WrongState "wrong_state" Conflict Final "It is not in a state that allows this"
        "`allowed` lists what can be done in the present state."
    EmailTaken "email_taken" Conflict Final "This e-mail address is in use"
        "Sign in, or ask for a new password."
    AlreadyMember "already_member" Conflict Final "This person is a member of the brand"
        "The members are listed under `/v1/brand/members`; a role is changed there."
    LastOwner "last_owner" Conflict Final "A brand keeps at least one owner"
        "Make another member owner first."
    TokenUsed "token_used" Gone Final "This link was used or has expired"
        "Ask for a new one."
    MissionNotOpen "mission_not_open" Conflict Final "The mission is not open"
        "Look for another mission near you."
    MissionPaused "mission_paused" Conflict Transient "The mission is paused"
        "Its store was reported shut or its brand paused it. It may open again."
    SlotTaken "slot_taken" Conflict Transient "Every slot is taken"
        "A slot may become free when a reservation lapses."
    AlreadyReserved "already_reserved" Conflict Final "You hold or have done this mission"
        "Each worker visits a mission once. Your reservations are listed under `/v1/reservations`."
    NotQualified "not_qualified" Forbidden Final "The mission asks for a qualification"
        "The platform grants qualifications; your profile lists yours. Lists show only what you may do."
    LevelTooLow "level_too_low" Forbidden Final "The mission asks for more experience"
        "Your level rises with approved visits; your profile shows it. Lists show only what you may do."
    TooManyReservations "too_many_reservations" Conflict Transient "You hold as many reservations as you may"
        "Finish or release one first."
    ReservationOver "reservation_over" Conflict Final "This reservation is no longer live"
        "It was released, used or has expired. Photos already sent are kept."
    AlreadyExtended "already_extended" Conflict Final "A reservation is extended once"
        "Seal before the deadline; the photos may follow for 48 hours."
    CheckInFirst "check_in_first" Conflict Final "Check in at the store first"
        "Send `POST /v1/reservations/{id}/check-in` with your position."
    SealTooLate "seal_too_late" Conflict Final "The slot has been given back"
        "The seal arrived after the deadline and its grace, and the slot is gone. Photos already sent are kept."
    DigestMismatch "digest_mismatch" Unprocessable Final "The bytes do not have the SHA-256 that was announced"
        "The photo was damaged on its way. Send it again."
    PhotoDiffers "photo_differs" Conflict Final "Another photo was sent under this client id"
        "A client id belongs to one photo. Take a new one."
    PhotoTooLarge "photo_too_large" TooLarge Final "The photo is too large"
        "Photos may have at most 30 MB."
    PhotoNotReady "photo_not_ready" Missing Transient "The photo is still being prepared"
        "Its renditions are made within a minute of its arrival; where faces are hidden from brands, theirs when first asked for."
    TooManyPhotos "too_many_photos" Conflict Final "Too many photos for one visit"
        "A visit takes at most 200 photos."
    BodyTooLarge "body_too_large" TooLarge Final "The request body is too large"
        "JSON bodies may have at most 1 MB."
    UnsupportedMediaType "unsupported_media_type" Unsupported Final "This content type is not taken here"
        "Send `application/json`, or `image/*` for photos."
    AnswersInvalid "answers_invalid" Unprocessable Final "The answers do not fit the questionnaire"
        "`errors` names each answer and what is wrong with it. Nothing was lost: correct and send again."
    QuestionnaireInvalid "questionnaire_invalid" Unprocessable Final "The questionnaire does not compile"
        "`errors` names the item, the expression and the column."
    CampaignIncomplete "campaign_incomplete" Unprocessable Final "The campaign cannot be published yet"
        "`errors` names what is missing or wrong."
    PayFloor "pay_floor" Unprocessable Final "The expected hourly pay is below the floor"
        "Raise the reward or shorten the visit. The floor is set by the platform."
    InsufficientFunds "insufficient_funds" Conflict Transient "The brand's funds do not cover it"
        "Fund the brand first; the detail names the amount that is missing."
    CampaignNotDraft "campaign_not_draft" Conflict Final "Only a draft can be changed"
        "Close it and make a new campaign, so that reservations keep the rules they were made with."
    NotClaimed "not_claimed" Conflict Final "Claim it first"
        "Another reviewer holds this item, or nobody does. Claim it with `POST /v1/admin/reviews/claim`."
    OwnDecision "own_decision" Forbidden Final "An appeal is judged by another person"
        "You took the first decision. Leave the appeal to a colleague."
    SecondReviewer "second_reviewer" Conflict Final "The reason `other` needs a second reviewer"
        "Your proposal is stored. Another reviewer confirms it by sending the same decision."
    DecisionInvalid "decision_invalid" Unprocessable Final "The decision is incomplete"
        "A refusal needs a reason code, the item concerned, the clause of the brief that was broken and a text."
    AppealClosed "appeal_closed" Conflict Final "The time for an appeal is over, or it was appealed before"
        "An appeal is possible once, within 14 days of the decision."
    NothingToPay "nothing_to_pay" Conflict Final "There is no money to pay out"
        "Earnings appear in the balance as soon as work is approved."
    PayoutState "payout_state" Conflict Final "The payout is not in a state that allows this"
        "`allowed` lists what can be done in the present state."
    PeriodOpen "period_open" Conflict Transient "The books of this period are still open"
        "A period is closed an hour after its end, when nothing can be added to it any more. Ask again after the seconds that `Retry-After` names."
    EarningCap "earning_cap" Conflict Final "You have earned as much as one may earn in a year"
        "New missions can be reserved when the next year begins. What you hold or have done is paid as usual."
    WrongPassword "wrong_password" Forbidden Final "The password is wrong"
        "Where money goes is changed with the password you sign in with. After several wrong tries it pauses for some minutes."
    MethodNotPayable "method_not_payable" Conflict Transient "This method is not paid to now"
        "The detail says why and until when. Your methods are listed under `/v1/me/payout-methods`; your money stays yours."
    TooManyMethods "too_many_methods" Conflict Final "You have as many payout methods as you may"
        "Remove one that you do not use any more."
    TooManyPayouts "too_many_payouts" Conflict Transient "You have as many payouts on their way as you may"
        "Wait until some arrive, or take back those that were not let go. One payout can take all of your balance."
    RailClosed "rail_closed" Conflict Final "This platform does not pay this way"
        "`rails` under `/v1/me/payout-methods` lists the ways that are open."
    BelowCost "below_cost" Conflict Transient "The rail costs as much as the payout"
        "What each rail costs is listed under `/v1/me/payout-methods`. Wait for more earnings or take another method."
    NoGiftCode "no_gift_code" Conflict Transient "There is no gift code of this amount"
        "The detail lists the amounts that are in stock."
    SecondPerson "second_person" Forbidden Final "This takes a second person"
        "Who prepared a batch does not approve it, and nobody resets their own second factor. Ask a colleague."
    StepUpNeeded "step_up_needed" Forbidden Final "This takes a code of your second factor"
        "Send the six digits of your authenticator app as `code`; set it up with `POST /v1/admin/step-up` if you have none."
    StepUpWrong "step_up_wrong" Forbidden Final "The code is wrong or was used"
        "A code is good once. Wait for the next one; check the clock of the device. After several wrong tries it pauses."
    BankFileUnreadable "bank_file_unreadable" Unprocessable Final "This is no file of a bank that is read here"
        "Send a pain.002 or camt.054 as the bank gave it. Nothing was imported."
    TaxProfileIncomplete "tax_profile_incomplete" Conflict Final "Your tax profile is not complete"
        "`errors` names what is missing. Give it with `PUT /v1/me/tax-profile`; what you earned stays yours."
    MoneyOwed "money_owed" Conflict Transient "Money is owed, or on its way"
        "Wait until visits are decided and payouts have arrived, have the balance paid out, or waive it explicitly."
    ReportIncomplete "report_incomplete" Conflict Final "The report cannot be made yet"
        "`errors` names the settings of the server that are missing."
    DuplicateProduct "duplicate_product" Conflict Final "A product with this GTIN exists"
        "Use the one that is there."
    StoreInUse "store_in_use" Conflict Transient "The store has missions that are not closed"
        "Merge the other way round, or wait until the campaigns there have ended: their visits belong to the place they were offered at."
    DuplicateStore "duplicate_store" Conflict Final "A store with this source id exists"
        "Use the one that is there."
    TooManyRequests "too_many_requests" TooMany Transient "Too many requests"
        "Wait for the seconds that `Retry-After` names."
    Busy "busy" Busy Transient "The server is busy"
        "Send the same request again after the seconds that `Retry-After` names; under its Idempotency-Key it has one effect."
}

/// One field that is wrong. `pointer` is a JSON pointer into the body, or the name of a parameter.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct FieldError {
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> FieldError {
        FieldError { pointer: pointer.into(), code: code.into(), detail: detail.into() }
    }
}

/// The rules say no.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    pub code: Code,
    pub detail: String,
    pub errors: Vec<FieldError>,
    /// What could be done instead, for `wrong_state`.
    pub allowed: Vec<String>,
    pub retry_after_secs: Option<u64>,
}

impl Refusal {
    pub fn new(code: Code, detail: impl Into<String>) -> Refusal {
        Refusal { code, detail: detail.into(), errors: Vec::new(), allowed: Vec::new(), retry_after_secs: None }
    }

    pub fn fields(code: Code, errors: Vec<FieldError>) -> Refusal {
        let detail = match errors.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are wrong.", many.len()),
        };
        Refusal { errors, ..Refusal::new(code, detail) }
    }

    /// The same where each detail is a sentence that stands by itself.
    pub fn sentences(code: Code, errors: Vec<FieldError>) -> Refusal {
        let detail = errors.iter().map(|error| error.detail.as_str()).collect::<Vec<_>>().join(" ");
        Refusal { errors, ..Refusal::new(code, detail) }
    }

    pub fn field(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Refusal {
        Refusal::fields(Code::InvalidRequest, vec![FieldError::new(pointer, code, detail)])
    }

    pub fn missing(what: &str) -> Refusal {
        Refusal::new(Code::NotFound, format!("There is no such {what}."))
    }

    pub fn wrong_state(now: impl fmt::Display, allowed: &[&str]) -> Refusal {
        let allowed = allowed.iter().map(|step| (*step).to_owned()).collect();
        Refusal { allowed, ..Refusal::new(Code::WrongState, format!("Its state is {now}.")) }
    }
}

/// Why an operation did not happen. Nothing it had begun is kept.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The rules say no; the client sees the whole of it.
    Refused(Box<Refusal>),
    /// A bug, or something outside broke; the client sees only the request id, the log sees the text.
    Fault(String),
}

pub type Outcome<T> = Result<T, Failure>;

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(Box::new(refusal))
    }
}

impl Failure {
    pub fn fault(text: impl fmt::Display) -> Failure {
        Failure::Fault(text.to_string())
    }

    pub fn code(&self) -> Option<Code> {
        match self {
            Failure::Refused(refusal) => Some(refusal.code),
            Failure::Fault(_) => None,
        }
    }
}

impl From<super::money::MoneyError> for Failure {
    fn from(_: super::money::MoneyError) -> Failure {
        Refusal::new(Code::InvalidRequest, "The amount is too large, or mixes two currencies.").into()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(refusal) => write!(f, "{}: {}", refusal.code.as_str(), refusal.detail),
            Failure::Fault(text) => write!(f, "fault: {text}"),
        }
    }
}

/// `Missing` for what a query did not find.
pub trait OrMissing<T> {
    fn or_missing(self, what: &str) -> Outcome<T>;
}

impl<T> OrMissing<T> for Option<T> {
    fn or_missing(self, what: &str) -> Outcome<T> {
        self.ok_or_else(|| Refusal::missing(what).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_is_written_once() {
        for &code in Code::ALL {
            assert_eq!(Code::parse(code.as_str()), Some(code));
            assert!(!code.title().is_empty() && !code.help().is_empty());
        }
        let mut texts: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
