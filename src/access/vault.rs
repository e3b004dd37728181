//! Secrets at rest: what a person gave in confidence (account numbers, tax numbers, gift codes) is stored only as AES-256
//! GCM text. The newest key seals, every loaded key opens; the column and the row are bound in, so that a sealed text
//! moved to another row does not open.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

pub struct Vault {
    newest: String,
    keys: BTreeMap<String, RandomizedNonceKey>,
    marks: aws_lc_rs::hmac::Key,
}

/// A sealed text that does not open: another installation's key, another row, or changed bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unopened;

impl Vault {
    /// `keys` are (key id, 32 bytes); the last by id seals. `None` when one has another length, an id is not plain, or
    /// none is given.
    pub fn load(keys: &BTreeMap<String, Vec<u8>>) -> Option<Vault> {
        let plain = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !keys.keys().all(|id| plain(id)) {
            return None;
        }
        let (newest, oldest) = (keys.last_key_value()?.0.clone(), keys.first_key_value()?.1);
        // Marks outlive a rotation: they hang on the oldest key.
        let marks = [b"fieldproof marks".as_slice(), oldest].concat();
        let marks = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &marks);
        let open =
            |(id, key): (&String, &Vec<u8>)| Some((id.clone(), RandomizedNonceKey::new(&AES_256_GCM, key).ok()?));
        Some(Vault { newest, keys: keys.iter().map(open).collect::<Option<_>>()?, marks })
    }

    /// A fresh key; `None` when the system gives no randomness.
    pub fn generate() -> Option<Vec<u8>> {
        let mut key = vec![0; KEY_BYTES];
        aws_lc_rs::rand::fill(&mut key).ok()?;
        Some(key)
    }

    /// `plain` as `v1.{key id}.{base64}`. `place` names table, column and row, such as `payout_methods.iban/pme_..`.
    pub fn seal(&self, place: &str, plain: &str) -> String {
        let mut bytes = plain.as_bytes().to_vec();
        let nonce = self.keys[&self.newest]
            .seal_in_place_append_tag(Aad::from(place), &mut bytes)
            .expect("the text is far below the limit of GCM");
        let sealed = [nonce.as_ref().as_slice(), &bytes].concat();
        format!("v1.{}.{}", self.newest, URL_SAFE_NO_PAD.encode(sealed))
    }

    pub fn open(&self, place: &str, sealed: &str) -> Result<String, Unopened> {
        let (id, text) = sealed.strip_prefix("v1.").and_then(|rest| rest.split_once('.')).ok_or(Unopened)?;
        let key = self.keys.get(id).ok_or(Unopened)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Unopened)?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(Unopened)?;
        let mut rest = rest.to_vec();
        let plain = key.open_in_place(nonce.into(), Aad::from(place), &mut rest).map_err(|_| Unopened)?;
        String::from_utf8(plain.to_vec()).map_err(|_| Unopened)
    }

    /// The same for the same `plain` of one `kind`, and of no use to who has no key: finds equal values without opening
    /// them. Hex, 64 characters.
    pub fn mark(&self, kind: &str, plain: &str) -> String {
        let mut context = aws_lc_rs::hmac::Context::with_key(&self.marks);
        for part in [kind, plain] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        context.sign().as_ref().iter().map(|b| format!("{b:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(ids: &[(&str, u8)]) -> Vault {
        Vault::load(&ids.iter().map(|(id, byte)| ((*id).to_owned(), vec![*byte; KEY_BYTES])).collect()).expect("keys")
    }

    #[test]
    fn a_sealed_text_opens_in_its_place_only() {
        let vault = vault(&[("2026", 1)]);
        let sealed = vault.seal("methods.iban/1", "BE68539007547034");
        assert!(!sealed.contains("BE68"), "{sealed}");
        assert_ne!(sealed, vault.seal("methods.iban/1", "BE68539007547034"), "a nonce is used once");
        assert_eq!(vault.open("methods.iban/1", &sealed).as_deref(), Ok("BE68539007547034"));
        assert_eq!(vault.open("methods.iban/2", &sealed), Err(Unopened));
        for cut in 0..sealed.len() {
            assert_eq!(vault.open("methods.iban/1", &sealed[..cut]), Err(Unopened), "{cut}");
        }
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_still_opens() {
        let old = vault(&[("2026", 1)]);
        let both = vault(&[("2026", 1), ("2027", 2)]);
        let sealed = old.seal("a", "secret");
        assert_eq!(both.open("a", &sealed).as_deref(), Ok("secret"));
        assert!(both.seal("a", "secret").starts_with("v1.2027."));
        assert_eq!(old.open("a", &both.seal("a", "secret")), Err(Unopened));
        assert_eq!(old.mark("iban", "x"), both.mark("iban", "x"));
        assert_ne!(old.mark("iban", "x"), old.mark("tax", "x"));
        assert!(Vault::load(&BTreeMap::new()).is_none());
        assert!(Vault::load(&BTreeMap::from([("a".to_owned(), vec![1; 31])])).is_none());
    }
}
