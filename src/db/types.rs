//! Lifts the domain's values to columns: ids, enums and currencies as text, instants as timestamps in UTC, JSON as text.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::expression::AsExpression;
use diesel::internal::derives::as_expression::Bound;
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::{Nullable, SingleValue, Text, Timestamp};
use diesel::sqlite::{Sqlite, SqliteValue};

use super::conn::MultiBackend;
use crate::domain::ids::*;
use crate::domain::money::Currency;
use crate::domain::time::At;

/// A JSON document kept as text.
#[derive(Clone, PartialEq, Debug)]
pub struct Json(pub serde_json::Value);

macro_rules! as_column {
    ($rust:ty, $sql:ty) => {
        impl AsExpression<$sql> for $rust {
            type Expression = Bound<$sql, $rust>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl AsExpression<Nullable<$sql>> for $rust {
            type Expression = Bound<Nullable<$sql>, $rust>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<'a> AsExpression<$sql> for &'a $rust {
            type Expression = Bound<$sql, &'a $rust>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<'a> AsExpression<Nullable<$sql>> for &'a $rust {
            type Expression = Bound<Nullable<$sql>, &'a $rust>;
            fn as_expression(self) -> Self::Expression {
                Bound::new(self)
            }
        }
        impl<DB: Backend> ToSql<Nullable<$sql>, DB> for $rust
        where
            $rust: ToSql<$sql, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                ToSql::<$sql, DB>::to_sql(self, out)
            }
        }
        impl<DB: Backend, ST: SingleValue> Queryable<ST, DB> for $rust
        where
            $rust: FromSql<ST, DB>,
        {
            type Row = Self;
            fn build(row: Self) -> deserialize::Result<Self> {
                Ok(row)
            }
        }
    };
}

macro_rules! text_columns {
    ($($rust:ty: $read:expr;)+) => { $(
        as_column!($rust, Text);
        impl<DB: Backend> FromSql<Text, DB> for $rust where String: FromSql<Text, DB> {
            fn from_sql(bytes: DB::RawValue<'_>) -> deserialize::Result<Self> {
                let text = <String as FromSql<Text, DB>>::from_sql(bytes)?;
                let read: fn(String) -> Option<$rust> = $read;
                read(text).ok_or_else(|| concat!("a stored ", stringify!($rust), " that is not one").into())
            }
        }
    )+ };
}

macro_rules! id_columns {
    ($($id:ident),+) => {
        text_columns! { $($id: |text| Some($id::from_stored(text));)+ }
        $(impl<DB: Backend> ToSql<Text, DB> for $id where str: ToSql<Text, DB> {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.as_str().to_sql(out)
            }
        })+
    };
}

macro_rules! enum_columns {
    ($($kind:ty),+) => {
        text_columns! { $($kind: |text| <$kind>::parse(&text);)+ }
        $(impl<DB: Backend> ToSql<Text, DB> for $kind where str: ToSql<Text, DB> {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
                self.as_str().to_sql(out)
            }
        })+
    };
}

id_columns!(
    UserId,
    SessionId,
    BrandId,
    StoreId,
    ProductId,
    CampaignId,
    QuestionnaireId,
    MissionId,
    ReservationId,
    EvidenceId,
    FixId,
    SubmissionId,
    FindingId,
    AssessmentId,
    DecisionId,
    AppealId,
    EarningId,
    AccountId,
    JournalId,
    TransferId,
    PayoutId,
    MethodId,
    BatchId,
    BankFileId,
    WordId,
    GiftCodeId,
    DocumentId,
    EventId,
    MessageId,
    JobId,
    SanctionId,
    CorrectionId,
    BonusId,
    BankBalanceId
);

enum_columns!(
    crate::domain::appeal::AppealState,
    crate::domain::brand::BrandRole,
    crate::domain::budget::BonusKind,
    crate::domain::campaign::CampaignKind,
    crate::domain::campaign::CampaignState,
    crate::domain::decision::DecidedBy,
    crate::domain::decision::DecisionKind,
    crate::domain::decision::ReasonCode,
    crate::domain::grade::Letter,
    crate::domain::job::JobState,
    crate::domain::ledger::chart::AccountKind,
    crate::domain::mission::MissionState,
    crate::domain::payout::BatchState,
    crate::domain::payout::PayoutState,
    crate::domain::payout::Rail,
    crate::domain::reservation::ReservationState,
    crate::domain::signals::Provider,
    crate::domain::store::StoreState,
    crate::domain::store_correction::CorrectionState,
    crate::domain::submission::Outcome,
    crate::domain::submission::SubmissionState,
    crate::domain::user::StaffRole,
    crate::domain::user::UserKind,
    crate::domain::user::UserState
);

text_columns! { Currency: |text| Currency::parse(&text); }
impl<DB: Backend> ToSql<Text, DB> for Currency
where
    str: ToSql<Text, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.code().to_sql(out)
    }
}

text_columns! { Json: |text| serde_json::from_str(&text).ok().map(Json); }
impl ToSql<Text, Pg> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}
impl ToSql<Text, Sqlite> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_string());
        Ok(IsNull::No)
    }
}
impl ToSql<Text, MultiBackend> for Json {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Text, self));
        Ok(IsNull::No)
    }
}

as_column!(At, Timestamp);

fn naive(at: At) -> chrono::NaiveDateTime {
    chrono::DateTime::from_timestamp_micros(at.micros()).expect("both calendars hold the same range").naive_utc()
}

fn from_naive(time: chrono::NaiveDateTime) -> deserialize::Result<At> {
    At::from_micros(time.and_utc().timestamp_micros()).ok_or_else(|| "a stored time out of range".into())
}

impl ToSql<Timestamp, Pg> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Timestamp, Pg>::to_sql(&naive(*self), &mut out.reborrow())
    }
}
impl FromSql<Timestamp, Pg> for At {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        from_naive(<chrono::NaiveDateTime as FromSql<Timestamp, Pg>>::from_sql(value)?)
    }
}
impl ToSql<Timestamp, Sqlite> for At {
    /// Six digits always: as text, times must sort as they follow each other.
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(naive(*self).format("%Y-%m-%d %H:%M:%S%.6f").to_string());
        Ok(IsNull::No)
    }
}
impl FromSql<Timestamp, Sqlite> for At {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
        from_naive(<chrono::NaiveDateTime as FromSql<Timestamp, Sqlite>>::from_sql(value)?)
    }
}
impl ToSql<Timestamp, MultiBackend> for At {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((Timestamp, self));
        Ok(IsNull::No)
    }
}
impl FromSql<Timestamp, MultiBackend> for At {
    fn from_sql(value: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        value.from_sql::<At, Timestamp>()
    }
}
