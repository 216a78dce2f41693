//! How values of ours lie in columns.

use std::time::Duration;

use loa_model::{BulletinClass, ContentHash, PreEmption, SessionId, WallTime};
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// Reads a column whose value is one of ours.
pub(crate) fn get<T>(row: &Row<'_>, column: &str) -> rusqlite::Result<T>
where
    Column<T>: FromSql,
{
    row.get::<_, Column<T>>(column).map(|column| column.0)
}

/// One of our values, as a column holds it.
pub(crate) struct Column<T>(pub(crate) T);

macro_rules! columns {
    ($($type:ty: $to:expr, $from:expr;)*) => {$(
        impl ToSql for Column<$type> {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let to: fn(&$type) -> _ = $to;
                Ok(ToSqlOutput::from(to(&self.0)))
            }
        }
        impl FromSql for Column<$type> {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                let from: fn(ValueRef<'_>) -> FromSqlResult<$type> = $from;
                from(value).map(Self)
            }
        }
    )*};
}

columns! {
    WallTime: |time| time.as_unix_ns(), |value| value.as_i64().map(WallTime::from_unix_ns);
    Duration: |span| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX),
        |value| u64::try_from(value.as_i64()?).map(Duration::from_nanos).map_err(FromSqlError::other);
    // Session numbers use 64 bits; the highest is not met, but stored all the same.
    SessionId: |session| session.0.cast_signed(), |value| value.as_i64().map(|number| SessionId(number.cast_unsigned()));
    ContentHash: |hash| hash.to_string(), |value| value.as_str()?.parse().map_err(FromSqlError::other);
    BulletinClass: |class| class.name().to_owned(), |value| value.as_str()?.parse().map_err(FromSqlError::other);
    PreEmption: |policy| pre_emption_name(*policy).to_owned(), |value| {
        let text = value.as_str()?;
        let all = [
            PreEmption::Resume,
            PreEmption::Rejoin,
            PreEmption::Duck,
            PreEmption::Drop,
        ];
        all.into_iter().find(|policy| pre_emption_name(*policy) == text).ok_or(FromSqlError::InvalidType)
    };
}

const fn pre_emption_name(policy: PreEmption) -> &'static str {
    match policy {
        PreEmption::Resume => "resume",
        PreEmption::Rejoin => "rejoin",
        PreEmption::Duck => "duck",
        PreEmption::Drop => "drop",
    }
}

/// Writes a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own values are all JSON")
}

/// Reads a value from JSON that this crate wrote.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged { what })
}
