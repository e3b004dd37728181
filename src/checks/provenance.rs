//! Signed records of origin (C2PA, "Content Credentials"): whether the record in a file still fits its bytes. Read
//! offline, without a list of trusted signers: anyone can sign, certificates expire, so who signed is information.
//! Genuine photos exist whose record does not fit: that is a doubt, never more.

use std::io::Cursor;

use c2pa::validation_status::ValidationStatus;
use c2pa::{Context, Error, Reader};

use super::format::{Format, Layout};
use crate::domain::finding::{Code, Finding, Level};

/// A record that names another place is not fetched, and no certificate is asked for.
const OFFLINE: &str = r#"{"verify": {"remote_manifest_fetch": false, "ocsp_fetch": false}}"#;

/// What proves that the record is of these bytes.
const FITS: [&str; 2] = ["claimSignature.validated", "assertion.dataHash.match"];

/// Judges the record of a file; nothing for a file without one.
pub fn judge(bytes: &[u8], format: Format, layout: &Layout) -> Option<Finding> {
    if layout.manifest.is_empty() {
        return None;
    }
    let read =
        || Reader::from_context(Context::new().with_settings(OFFLINE)?).with_stream(mime(format), Cursor::new(bytes));
    let reader = match read() {
        Ok(reader) => reader,
        Err(Error::JumbfNotFound | Error::ProvenanceMissing | Error::RemoteManifestUrl(_)) => return None,
        Err(_) => return Some(Finding::new(Code::ProvenanceBroken, Level::Info).about("unreadable")),
    };
    let statuses = reader.validation_results()?.active_manifest()?;
    let codes = |of: &[ValidationStatus]| of.iter().map(|s| s.code().to_owned()).collect::<Vec<_>>();
    let (good, bad) = (codes(statuses.success()), codes(statuses.failure()));
    if let Some(code) = bad.iter().find(|code| code.ends_with(".mismatch")) {
        return Some(Finding::new(Code::ProvenanceBroken, Level::Doubt).about(code));
    }
    let fits = FITS.iter().all(|code| good.iter().any(|g| g == code));
    let signer = reader.active_manifest()?.issuer().unwrap_or_default();
    fits.then(|| Finding::new(Code::ProvenanceValid, Level::Info).about(&signer))
}

fn mime(format: Format) -> &'static str {
    match format {
        Format::Png => "image/png",
        Format::WebP => "image/webp",
        Format::Heic => "image/heic",
        _ => "image/jpeg",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::format::walk_jpeg;

    fn fixture(name: &str) -> Vec<u8> {
        let path = format!("{}/tests/fixtures/photos/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).expect("a shipped photo")
    }

    fn told(bytes: &[u8]) -> Option<(Code, Level, Option<String>)> {
        judge(bytes, Format::Jpeg, &walk_jpeg(bytes, 100)).map(|f| (f.code, f.level, f.text))
    }

    #[test]
    fn an_unbroken_record_is_told_and_a_broken_one_is_doubted() {
        assert_eq!(told(&fixture("c2pa_valid.jpg")).map(|t| (t.0, t.1)), Some((Code::ProvenanceValid, Level::Info)));
        let broken = told(&fixture("c2pa_broken.jpg"));
        assert_eq!(broken.map(|t| (t.0, t.1)), Some((Code::ProvenanceBroken, Level::Doubt)));
        assert_eq!(told(&fixture("shelf.jpg")), None);
    }

    #[test]
    fn one_changed_byte_of_the_picture_breaks_the_record() {
        let mut bytes = fixture("c2pa_valid.jpg");
        let near_end = bytes.len() - 40;
        bytes[near_end] ^= 1;
        let expected = (Code::ProvenanceBroken, Level::Doubt, Some("assertion.dataHash.mismatch".to_owned()));
        assert_eq!(told(&bytes), Some(expected));
    }

    #[test]
    fn a_record_cut_anywhere_gives_no_panic_and_no_more_than_a_doubt() {
        let bytes = fixture("c2pa_valid.jpg");
        for cut in (0..bytes.len()).step_by(bytes.len() / 97) {
            assert!(told(&bytes[..cut]).is_none_or(|(_, level, _)| level <= Level::Doubt), "cut at {cut}");
        }
    }
}
