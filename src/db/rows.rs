//! One struct a table, columns in order. Rows leave this room only as values; nothing here decides.

use diesel::prelude::*;

use super::schema::*;
use super::types::Json;
use crate::domain::appeal::AppealState;
use crate::domain::brand::BrandRole;
use crate::domain::budget::BonusKind;
use crate::domain::campaign::{CampaignKind, CampaignState};
use crate::domain::decision::{DecidedBy, DecisionKind, ReasonCode};
use crate::domain::grade::Letter;
use crate::domain::ids::*;
use crate::domain::job::JobState;
use crate::domain::ledger::chart::AccountKind;
use crate::domain::mission::MissionState;
use crate::domain::money::Currency;
use crate::domain::payout::{BatchState, PayoutState, Rail};
use crate::domain::reservation::ReservationState;
use crate::domain::signals::Provider;
use crate::domain::store::StoreState;
use crate::domain::store_correction::CorrectionState;
use crate::domain::submission::{Outcome, SubmissionState};
use crate::domain::time::At;
use crate::domain::user::{StaffRole, UserKind, UserState};

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = users)]
pub struct UserRow {
    pub id: UserId,
    pub email: String,
    pub password_hash: String,
    pub kind: UserKind,
    pub staff_role: Option<StaffRole>,
    pub name: String,
    pub language: String,
    pub country: Option<String>,
    pub state: UserState,
    pub email_verified_at: Option<At>,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    pub id: SessionId,
    pub user_id: UserId,
    pub device: String,
    pub refresh_hash: String,
    pub previous_hash: Option<String>,
    pub generation: i64,
    pub created_at: At,
    pub rotated_at: At,
    pub expires_at: At,
    pub revoked_at: Option<At>,
    pub revoked_because: Option<String>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = one_time_tokens)]
pub struct OneTimeTokenRow {
    pub token_hash: String,
    pub user_id: UserId,
    pub purpose: String,
    pub created_at: At,
    pub expires_at: At,
    pub used_at: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = sign_in_attempts)]
pub struct SignInAttemptRow {
    pub email: String,
    pub failures: i64,
    pub last_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = sanctions)]
pub struct SanctionRow {
    pub id: SanctionId,
    pub user_id: UserId,
    pub action: String,
    pub code: String,
    pub text: String,
    pub decider_id: UserId,
    pub rule_version: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = brands)]
pub struct BrandRow {
    pub id: BrandId,
    pub name: String,
    pub country: String,
    pub currency: Currency,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = members)]
pub struct MemberRow {
    pub brand_id: BrandId,
    pub user_id: UserId,
    pub role: BrandRole,
    pub created_at: At,
}

// Every column of every row: only then many rows are one statement on SQLite.
#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = stores, treat_none_as_default_value = false)]
pub struct StoreRow {
    pub id: StoreId,
    pub brand_id: Option<BrandId>,
    pub source: String,
    pub source_id: String,
    pub name: String,
    pub chain: Option<String>,
    pub street: Option<String>,
    pub housenumber: Option<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    pub country: String,
    pub lat: f64,
    pub lon: f64,
    pub radius_m: f64,
    pub opening_hours: Option<String>,
    pub time_zone: String,
    pub state: StoreState,
    pub paused_at: Option<At>,
    pub recheck_at: Option<At>,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
    pub entrance_lat: Option<f64>,
    pub entrance_lon: Option<f64>,
    /// GeoJSON, as `domain::outline` writes it.
    pub outline: Option<Json>,
    /// When staff said where it is; from then on no import moves it.
    pub placed_at: Option<At>,
    /// The store that this one turned out to be.
    pub merged_into: Option<StoreId>,
}

#[derive(Queryable, Clone, Debug)]
pub struct StoreReportRow {
    pub id: i64,
    pub store_id: StoreId,
    pub worker_id: UserId,
    pub submission_id: SubmissionId,
    pub outcome: Outcome,
    pub recheck: bool,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = store_corrections)]
pub struct StoreCorrectionRow {
    pub id: CorrectionId,
    pub store_id: StoreId,
    pub state: CorrectionState,
    pub lat: f64,
    pub lon: f64,
    /// The pin when it was proposed.
    pub pin_lat: f64,
    pub pin_lon: f64,
    pub distance_m: f64,
    pub spread_m: f64,
    /// Ids of the reservations whose check-ins propose it.
    pub check_ins: Json,
    pub proposed_at: At,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<At>,
    pub note: Option<String>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = products)]
pub struct ProductRow {
    pub id: ProductId,
    pub brand_id: BrandId,
    pub gtin: String,
    pub label: String,
    pub name: String,
    pub category: Option<String>,
    pub created_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = campaigns)]
pub struct CampaignRow {
    pub id: CampaignId,
    pub brand_id: BrandId,
    pub name: String,
    pub purpose: String,
    pub state: CampaignState,
    pub currency: Currency,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    pub fee_bps: i64,
    pub slots_per_store: i64,
    pub on_site_minutes: i64,
    pub reading_minutes: i64,
    pub starts_at: At,
    pub ends_at: At,
    pub review_days: i64,
    pub brief: Json,
    pub questionnaire: Json,
    pub loop_brands: Json,
    pub published_at: Option<At>,
    pub closed_at: Option<At>,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
    pub kind: CampaignKind,
    pub min_level: i64,
    pub qualifications: Json,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = campaign_stores)]
pub struct CampaignStoreRow {
    pub campaign_id: CampaignId,
    pub store_id: StoreId,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = campaign_products)]
pub struct CampaignProductRow {
    pub campaign_id: CampaignId,
    pub product_id: ProductId,
    pub position: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = questionnaire_versions)]
pub struct QuestionnaireVersionRow {
    pub id: QuestionnaireId,
    pub campaign_id: CampaignId,
    pub version: i64,
    pub document: Json,
    pub loops: Json,
    pub brief: Json,
    pub created_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = missions)]
pub struct MissionRow {
    pub id: MissionId,
    pub campaign_id: CampaignId,
    pub brand_id: BrandId,
    pub store_id: StoreId,
    pub questionnaire_id: QuestionnaireId,
    pub state: MissionState,
    pub slots: i64,
    pub slots_held: i64,
    pub slots_done: i64,
    pub attempts: i64,
    pub attempts_spent: i64,
    pub recheck_open: bool,
    pub reward_minor: i64,
    pub attempt_fee_minor: i64,
    pub fee_bps: i64,
    pub currency: Currency,
    pub lat: f64,
    pub lon: f64,
    pub starts_at: At,
    pub ends_at: At,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = reservations)]
pub struct ReservationRow {
    pub id: ReservationId,
    pub mission_id: MissionId,
    pub campaign_id: CampaignId,
    pub brand_id: BrandId,
    pub store_id: StoreId,
    pub worker_id: UserId,
    pub questionnaire_id: QuestionnaireId,
    pub state: ReservationState,
    pub recheck: bool,
    pub nonce: String,
    pub reserved_at: At,
    pub deadline_at: At,
    pub frees_at: At,
    pub extended: bool,
    pub checked_in_at: Option<At>,
    pub ended_at: Option<At>,
    pub updated_at: At,
    pub version: i64,
    pub device_id: Option<String>,
    pub reserved_elapsed_ms: Option<i64>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = position_fixes)]
pub struct PositionFixRow {
    pub id: FixId,
    pub reservation_id: ReservationId,
    pub purpose: String,
    pub lat: f64,
    pub lon: f64,
    pub accuracy_m: f64,
    pub mock: bool,
    pub at: At,
    pub received_at: At,
    pub distance_m: f64,
    pub verdict: String,
    pub altitude_m: Option<f64>,
    pub speed_mps: Option<f64>,
    pub bearing_deg: Option<f64>,
    pub provider: Option<Provider>,
    pub elapsed_ms: Option<i64>,
    pub client_id: Option<String>,
    pub fingerprint: Option<String>,
}

#[derive(Queryable, Insertable, AsChangeset, Clone, Debug)]
#[diesel(table_name = visit_tracks)]
pub struct VisitTrackRow {
    pub reservation_id: ReservationId,
    pub worker_id: UserId,
    pub store_id: StoreId,
    pub verdict: String,
    pub distance_m: i64,
    pub shape: Option<String>,
    pub at: At,
    pub fixes_dropped_at: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = evidence)]
pub struct EvidenceRow {
    pub id: EvidenceId,
    pub reservation_id: ReservationId,
    pub worker_id: UserId,
    pub brand_id: BrandId,
    pub client_id: String,
    pub question: String,
    pub sha256: String,
    pub size_bytes: i64,
    pub content_type: String,
    pub file_name: Option<String>,
    pub capture: Json,
    pub received_at: At,
    pub checked_at: Option<At>,
    pub check_version: Option<String>,
    pub facts: Option<Json>,
    pub pdq: Option<String>,
    pub pdq_quality: Option<i64>,
    pub rendition_large: Option<String>,
    pub rendition_small: Option<String>,
    pub hash_seq: Option<i64>,
    pub pdq_trimmed: Option<String>,
    pub pdq_trimmed_quality: Option<i64>,
    pub compared_at: Option<At>,
    pub faces_hidden: Option<i64>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = photo_features)]
pub struct PhotoFeaturesRow {
    pub evidence_id: EvidenceId,
    pub seq: i64,
    pub reservation_id: ReservationId,
    pub store_id: StoreId,
    pub chain: Option<String>,
    pub received_at: At,
    pub features: String,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = photo_pairs)]
pub struct PhotoPairRow {
    pub evidence_id: EvidenceId,
    pub other_id: EvidenceId,
    pub code: String,
    pub distance: Option<i64>,
    pub symmetry: Option<i64>,
    pub alignment: Option<Json>,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = submissions)]
pub struct SubmissionRow {
    pub id: SubmissionId,
    pub reservation_id: ReservationId,
    pub mission_id: MissionId,
    pub campaign_id: CampaignId,
    pub brand_id: BrandId,
    pub store_id: StoreId,
    pub worker_id: UserId,
    pub questionnaire_id: QuestionnaireId,
    pub state: SubmissionState,
    pub revision: i64,
    pub outcome: Outcome,
    pub recheck: bool,
    pub answers: Json,
    pub sealed_at: At,
    pub received_at: At,
    pub late: bool,
    pub photos_due_at: At,
    pub entered_review_at: Option<At>,
    pub review_due_at: Option<At>,
    pub correction: Option<String>,
    pub correction_due_at: Option<At>,
    pub appeal_until: Option<At>,
    pub decided_at: Option<At>,
    pub decision_id: Option<DecisionId>,
    pub risk: i64,
    pub claimed_by: Option<UserId>,
    pub claimed_until: Option<At>,
    pub holds_slot: bool,
    pub updated_at: At,
    pub version: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = revisions)]
pub struct RevisionRow {
    pub submission_id: SubmissionId,
    pub revision: i64,
    pub outcome: Outcome,
    pub answers: Json,
    pub manifest: Json,
    pub sealed_at: At,
    pub received_at: At,
    pub elapsed_ms: Option<i64>,
    pub late: bool,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = submission_photos)]
pub struct SubmissionPhotoRow {
    pub submission_id: SubmissionId,
    pub client_id: String,
    pub revision: i64,
    pub question: String,
    pub sha256: String,
    pub size_bytes: i64,
    pub evidence_id: Option<EvidenceId>,
    /// The revision in which another photo of the same question took its place.
    pub replaced_in: Option<i64>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = findings)]
pub struct FindingRow {
    pub id: FindingId,
    pub reservation_id: ReservationId,
    pub submission_id: Option<SubmissionId>,
    pub evidence_id: Option<EvidenceId>,
    pub revision: i64,
    pub item: Option<String>,
    pub code: String,
    pub level: String,
    pub finding: Json,
    pub rule_version: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = assessments)]
pub struct AssessmentRow {
    pub id: AssessmentId,
    pub submission_id: SubmissionId,
    pub revision: i64,
    pub verdict: String,
    pub risk: i64,
    pub inputs: Json,
    pub rule_version: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = grades)]
pub struct GradeRow {
    pub submission_id: SubmissionId,
    pub revision: i64,
    /// `None`: no photo, nothing to grade.
    pub letter: Option<Letter>,
    /// Codes of the reasons, gravest first.
    pub reasons: Json,
    /// Each photo's own grade by its id: `{"evd_..":{"letter":"B","reasons":["TIME_ABSENT"]}}`.
    pub photos: Json,
    pub rule_version: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = looks)]
pub struct LookRow {
    pub evidence_id: EvidenceId,
    /// 1 for the first look at this photo.
    pub number: i64,
    pub rule_version: String,
    /// What the look was told besides the bytes; `None` when the photo could not be looked at.
    pub context: Option<Json>,
    pub findings: Json,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = decisions)]
pub struct DecisionRow {
    pub id: DecisionId,
    pub submission_id: SubmissionId,
    pub revision: i64,
    pub kind: DecisionKind,
    pub decided_by: DecidedBy,
    pub decider_id: Option<UserId>,
    pub second_reviewer_id: Option<UserId>,
    pub reason_code: Option<ReasonCode>,
    pub target: Option<String>,
    pub clause_id: Option<String>,
    pub text: Option<String>,
    pub pay_minor: i64,
    pub currency: Currency,
    pub appeal_id: Option<AppealId>,
    pub rule_version: String,
    pub inputs: Json,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = decision_items)]
pub struct DecisionItemRow {
    pub decision_id: DecisionId,
    pub item: String,
    pub accepted: bool,
    pub reason_code: Option<ReasonCode>,
    pub clause_id: Option<String>,
    pub text: Option<String>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = proposals)]
pub struct ProposalRow {
    pub submission_id: SubmissionId,
    pub revision: i64,
    pub proposed_by: UserId,
    pub verdict: Json,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = appeals)]
pub struct AppealRow {
    pub id: AppealId,
    pub submission_id: SubmissionId,
    pub worker_id: UserId,
    pub text: String,
    pub state: AppealState,
    pub first_decision_id: DecisionId,
    pub due_at: At,
    pub decision_id: Option<DecisionId>,
    pub created_at: At,
    pub decided_at: Option<At>,
    pub version: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = answers)]
pub struct AnswerRow {
    pub submission_id: SubmissionId,
    pub path: String,
    pub campaign_id: CampaignId,
    pub brand_id: BrandId,
    pub store_id: StoreId,
    pub loop_key: Option<String>,
    pub name: String,
    pub kind: String,
    pub value: Json,
    pub number: Option<f64>,
    pub amount_minor: Option<i64>,
    pub currency: Option<String>,
    pub choice: Option<String>,
    pub accepted: bool,
    pub observed_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = earnings)]
pub struct EarningRow {
    pub id: EarningId,
    pub submission_id: SubmissionId,
    pub worker_id: UserId,
    pub mission_id: MissionId,
    pub kind: String,
    pub amount_minor: i64,
    pub currency: Currency,
    pub journal_id: JournalId,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = accounts)]
pub struct AccountRow {
    pub id: AccountId,
    pub kind: AccountKind,
    pub owner: String,
    pub currency: Currency,
    pub balance_minor: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = journals)]
pub struct JournalRow {
    pub id: JournalId,
    pub kind: String,
    pub subject: String,
    pub event_id: EventId,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = transfers)]
pub struct TransferRow {
    pub id: TransferId,
    pub journal_id: JournalId,
    pub debit_account: AccountId,
    pub credit_account: AccountId,
    pub amount_minor: i64,
    pub currency: Currency,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = payouts)]
pub struct PayoutRow {
    pub id: PayoutId,
    pub worker_id: UserId,
    pub amount_minor: i64,
    pub currency: Currency,
    pub destination: String,
    pub state: PayoutState,
    pub approved_by: Option<UserId>,
    pub bank_reference: Option<String>,
    pub return_reason: Option<String>,
    pub requested_at: At,
    pub settled_at: Option<At>,
    pub updated_at: At,
    pub version: i64,
    pub method_id: Option<MethodId>,
    pub rail: Rail,
    pub cost_minor: i64,
    pub batch_id: Option<BatchId>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = payout_methods)]
pub struct PayoutMethodRow {
    pub id: MethodId,
    pub worker_id: UserId,
    pub rail: Rail,
    pub sealed: String,
    pub mark: String,
    pub masked: String,
    pub country: Option<String>,
    pub payable_at: At,
    pub created_at: At,
    pub removed_at: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = payout_choices)]
pub struct PayoutChoiceRow {
    pub worker_id: UserId,
    pub method_id: MethodId,
    pub automatic: bool,
    pub next_run_at: At,
    pub updated_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = payout_batches)]
pub struct PayoutBatchRow {
    pub id: BatchId,
    pub rail: Rail,
    pub currency: Currency,
    pub state: BatchState,
    pub items: i64,
    pub total_minor: i64,
    pub doubts: Json,
    pub prepared_by: UserId,
    pub prepared_at: At,
    pub checked_by: Option<UserId>,
    pub approved_by: Option<UserId>,
    pub approved_at: Option<At>,
    pub stepped_up: bool,
    pub sealed_file: Option<String>,
    pub file_sha256: Option<String>,
    pub file_taken_at: Option<At>,
    pub updated_at: At,
    pub version: i64,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = late_returns)]
pub struct LateReturnRow {
    pub bank_reference: String,
    pub payout_id: PayoutId,
    pub reason: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = bank_files)]
pub struct BankFileRow {
    pub id: BankFileId,
    pub sha256: String,
    pub kind: String,
    pub message_id: String,
    pub imported_by: UserId,
    pub imported_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = bank_entries)]
pub struct BankEntryRow {
    pub id: String,
    pub file_id: BankFileId,
    pub end_to_end_id: Option<String>,
    pub bank_reference: Option<String>,
    /// Of this transaction, not of the sum that it was booked in.
    pub item_reference: Option<String>,
    pub word: String,
    pub reason: Option<String>,
    pub amount_minor: Option<i64>,
    pub currency: Option<String>,
    pub payout_id: Option<PayoutId>,
    pub result: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = payout_words)]
pub struct PayoutWordRow {
    pub id: WordId,
    pub payout_id: PayoutId,
    pub payout_version: i64,
    pub said: String,
    pub evidence: String,
    pub proposed_by: UserId,
    pub proposed_at: At,
    pub confirmed_by: Option<UserId>,
    pub confirmed_at: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = gift_codes)]
pub struct GiftCodeRow {
    pub id: GiftCodeId,
    pub amount_minor: i64,
    pub currency: Currency,
    pub sealed: String,
    pub mark: String,
    pub expires_at: Option<At>,
    pub imported_by: UserId,
    pub imported_at: At,
    pub payout_id: Option<PayoutId>,
    pub given_at: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = step_ups)]
pub struct StepUpRow {
    pub user_id: UserId,
    pub sealed: String,
    pub confirmed_at: Option<At>,
    pub last_step: i64,
    pub created_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = tax_profiles)]
pub struct TaxProfileRow {
    pub worker_id: UserId,
    pub person: String,
    pub complete: bool,
    pub created_at: At,
    pub updated_at: At,
    pub version: i64,
    pub keep_until: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = payment_notices)]
pub struct PaymentNoticeRow {
    pub payout_id: PayoutId,
    pub worker_id: UserId,
    pub currency: Currency,
    pub from_minor: i64,
    pub to_minor: i64,
    pub body: Json,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = selfbilling_agreements)]
pub struct AgreementRow {
    pub worker_id: UserId,
    pub number: i64,
    pub action: String,
    pub terms_version: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = selfbilling_documents)]
pub struct DocumentRow {
    pub id: DocumentId,
    pub worker_id: UserId,
    pub number: i64,
    pub kind: String,
    pub payout_id: PayoutId,
    pub original_id: Option<DocumentId>,
    pub reason: Option<String>,
    pub amount_minor: i64,
    pub currency: Currency,
    pub body: Json,
    pub issued_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = selfbilling_parties)]
pub struct PartyRow {
    pub document_id: DocumentId,
    pub worker_id: UserId,
    pub person: String,
    pub keep_until: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = erasures)]
pub struct ErasureRow {
    pub worker_id: UserId,
    pub asked_by: String,
    pub waived: Json,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = confirmations)]
pub struct ConfirmationRow {
    pub bank_reference: String,
    pub payout_id: PayoutId,
    pub outcome: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = idempotency_keys)]
pub struct IdempotencyKeyRow {
    pub caller: String,
    pub route: String,
    pub key: String,
    pub request_hash: String,
    pub response: String,
    pub created_at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = jobs)]
pub struct JobRow {
    pub id: JobId,
    pub kind: String,
    pub subject: String,
    pub state: JobState,
    pub run_at: At,
    pub attempts: i64,
    pub locked_by: Option<String>,
    pub locked_until: Option<At>,
    pub last_error: Option<String>,
    pub created_at: At,
    pub done_at: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = events)]
pub struct EventRow {
    pub id: EventId,
    pub at: At,
    pub actor_kind: String,
    pub actor_id: Option<String>,
    pub request_id: String,
    pub kind: String,
    pub subject: String,
    pub brand_id: Option<BrandId>,
    pub cause: Option<String>,
    pub from_state: Option<String>,
    pub to_state: Option<String>,
    pub rule_version: Option<String>,
    pub data: Json,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = event_seals)]
pub struct EventSealRow {
    pub seq: i64,
    pub event_id: EventId,
    pub previous_hash: String,
    pub hash: String,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = unsealed_events)]
pub struct UnsealedEventRow {
    pub event_id: EventId,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = outbox)]
pub struct OutboxRow {
    pub id: MessageId,
    pub event_id: EventId,
    pub channel: String,
    pub address: String,
    pub body: Json,
    pub created_at: At,
    pub next_at: At,
    pub attempts: i64,
    pub delivered_at: Option<At>,
    pub gave_up_at: Option<At>,
    pub last_error: Option<String>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = fee_rates)]
pub struct FeeRateRow {
    pub owner: String,
    pub fee_bps: i64,
    pub set_by: UserId,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = budgets)]
pub struct BudgetRow {
    pub campaign_id: CampaignId,
    /// `None`: the platform's share, at publishing.
    pub reserve_minor: Option<i64>,
    pub auto_top_up_minor: i64,
    pub auto_topped_minor: i64,
    pub updated_at: At,
    /// After a top-up that could not be paid.
    pub retry_at: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = bonuses)]
pub struct BonusRow {
    pub id: BonusId,
    pub kind: BonusKind,
    pub worker_id: UserId,
    pub brand_id: Option<BrandId>,
    pub campaign_id: Option<CampaignId>,
    pub submission_id: Option<SubmissionId>,
    pub amount_minor: i64,
    pub currency: Currency,
    pub reason: String,
    pub given_by: Option<UserId>,
    pub journal_id: JournalId,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = reversals)]
pub struct ReversalRow {
    pub journal_id: JournalId,
    pub reversed_id: JournalId,
    pub reason: String,
    pub decider_id: UserId,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = floor_checks)]
pub struct FloorCheckRow {
    pub campaign_id: CampaignId,
    pub visits: i64,
    pub median_minutes: i64,
    pub hourly_minor: i64,
    pub difference_minor: i64,
    pub paid_minor: i64,
    pub unpaid_minor: i64,
    pub at: At,
    /// Since when the brand's money does not cover what is owed.
    pub short_since: Option<At>,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = floor_dues)]
pub struct FloorDueRow {
    pub submission_id: SubmissionId,
    pub campaign_id: CampaignId,
    pub amount_minor: i64,
    /// The worker reads it.
    pub reason: String,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = bank_balances)]
pub struct BankBalanceRow {
    pub id: BankBalanceId,
    pub day: String,
    pub currency: Currency,
    pub balance_minor: i64,
    pub note: String,
    pub recorded_by: UserId,
    pub at: At,
}

#[derive(Queryable, Insertable, Clone, Debug)]
#[diesel(table_name = cap_alerts)]
pub struct CapAlertRow {
    pub worker_id: UserId,
    pub year: i64,
    pub currency: Currency,
    pub at: At,
}
