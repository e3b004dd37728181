//! Lists: keyset pages with signed cursors, so that a client cannot make one up.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::token::Keys;
use crate::domain::refusal::{Code, Failure, Refusal};

/// Writes the key of the last row as a cursor for `path`.
pub fn write_cursor(keys: &Keys, path: &str, key: &str) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(key), keys.seal(&[path, key]))
}

/// Reads a cursor that `write_cursor` made for the same path.
pub fn read_cursor(keys: &Keys, path: &str, cursor: &str) -> Result<String, Failure> {
    let bad = || Refusal::new(Code::InvalidCursor, "It was changed, or belongs to another list.");
    let (body, seal) = cursor.split_once('.').ok_or_else(bad)?;
    let key = URL_SAFE_NO_PAD.decode(body).ok().and_then(|b| String::from_utf8(b).ok()).ok_or_else(bad)?;
    if keys.seal(&[path, &key]) != seal {
        return Err(bad().into());
    }
    Ok(key)
}

/// Rows a page holds when the client does not say.
pub const LIMIT_DEFAULT: i64 = 20;
pub const LIMIT_MAX: i64 = 100;

/// Refuses a limit outside 1..=100.
pub fn limit(asked: Option<i64>) -> Result<i64, Failure> {
    match asked {
        None => Ok(LIMIT_DEFAULT),
        Some(n) if (1..=LIMIT_MAX).contains(&n) => Ok(n),
        Some(_) => Err(Refusal::field("limit", "out_of_range", format!("limit lies in 1..={LIMIT_MAX}.")).into()),
    }
}

/// The parameters of a plain list.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageParams {
    #[serde(default)]
    pub limit: Option<i64>,
    #[serde(default)]
    pub cursor: Option<String>,
}
