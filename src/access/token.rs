//! Access tokens: EdDSA with key ids; the newest key signs, every loaded key verifies. Refresh tokens and one-time links
//! are random text of which only a SHA-256 is stored.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Identity;
use crate::domain::brand::BrandRole;
use crate::domain::ids::{BrandId, SessionId, UserId};
use crate::domain::time::At;
use crate::domain::user::{StaffRole, UserKind};

pub const ACCESS_TOKEN_SECS: i64 = 600;
/// A refresh token that is not used for so long ends its session.
pub const REFRESH_TOKEN_SECS: i64 = 60 * 86_400;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    sid: String,
    kind: UserKind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    staff: Option<StaffRole>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    role: Option<BrandRole>,
    iat: i64,
    exp: i64,
}

const ISSUER: &str = "fieldproof";

/// The signing keys of this installation, by key id; ids sort by age.
pub struct Keys {
    signing: (String, EncodingKey),
    verifying: BTreeMap<String, DecodingKey>,
    secret: [u8; 32],
}

impl Keys {
    /// `keys` are (key id, PKCS#8 document of an Ed25519 key); the last by id signs. `None` when one is broken or none given.
    pub fn load(keys: &BTreeMap<String, Vec<u8>>) -> Option<Keys> {
        let mut verifying = BTreeMap::new();
        for (kid, pkcs8) in keys {
            let pair = aws_lc_rs::signature::Ed25519KeyPair::from_pkcs8(pkcs8).ok()?;
            let public = aws_lc_rs::signature::KeyPair::public_key(&pair);
            verifying.insert(kid.clone(), DecodingKey::from_ed_der(public.as_ref()));
        }
        let (kid, newest) = keys.last_key_value()?;
        let oldest = keys.first_key_value()?.1;
        // Cursors outlive a rotation: their secret hangs on the oldest key.
        let secret = Sha256::new().chain_update(b"fieldproof cursor").chain_update(oldest).finalize().into();
        Some(Keys { signing: (kid.clone(), EncodingKey::from_ed_der(newest)), verifying, secret })
    }

    /// A fresh PKCS#8 document; `None` when the system gives no randomness.
    pub fn generate() -> Option<Vec<u8>> {
        let random = aws_lc_rs::rand::SystemRandom::new();
        let document = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&random).ok()?;
        Some(document.as_ref().to_vec())
    }

    pub fn sign(&self, identity: &Identity, now: At) -> String {
        let issued = now.micros() / 1_000_000;
        let (brand, role) = identity.brand.clone().map_or((None, None), |(b, r)| (Some(b.to_string()), Some(r)));
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: identity.user.to_string(),
            sid: identity.session.to_string(),
            kind: identity.kind,
            staff: identity.staff_role,
            brand,
            role,
            iat: issued,
            exp: issued + ACCESS_TOKEN_SECS,
        };
        let header = Header { kid: Some(self.signing.0.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, &self.signing.1).expect("claims are plain JSON and the key was checked")
    }

    /// `None` for a token that is forged, foreign or expired at `now`.
    pub fn verify(&self, token: &str, now: At) -> Option<Identity> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let key = self.verifying.get(&kid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        // Expiry is judged below, by the platform's clock.
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        validation.set_issuer(&[ISSUER]);
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation).ok()?.claims;
        let seconds = now.micros() / 1_000_000;
        if claims.exp <= seconds || claims.iat > seconds + 60 {
            return None;
        }
        let brand = match (claims.brand, claims.role) {
            (Some(brand), Some(role)) => Some((BrandId::parse(&brand)?, role)),
            _ => None,
        };
        Some(Identity {
            user: UserId::parse(&claims.sub)?,
            session: SessionId::parse(&claims.sid)?,
            kind: claims.kind,
            staff_role: claims.staff,
            brand,
        })
    }

    /// A keyed code over `parts`, for cursors: hex, 32 characters.
    pub fn seal(&self, parts: &[&str]) -> String {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &self.secret);
        let mut context = aws_lc_rs::hmac::Context::with_key(&key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part.as_bytes());
        }
        hex(&context.sign().as_ref()[..16])
    }
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What is stored of a secret text.
pub fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            user: UserId::from_bits(1),
            session: SessionId::from_bits(2),
            kind: UserKind::Brand,
            staff_role: None,
            brand: Some((BrandId::from_bits(9), BrandRole::Editor)),
        }
    }

    #[test]
    fn a_token_is_good_for_ten_minutes_and_through_a_rotation() {
        let now = At::parse("2026-03-10T09:00:00Z").expect("valid");
        let mut documents = BTreeMap::from([("k1".to_owned(), Keys::generate().expect("a key"))]);
        let old = Keys::load(&documents).expect("keys");
        let token = old.sign(&identity(), now);
        assert_eq!(old.verify(&token, now.plus_secs(599)), Some(identity()));
        assert_eq!(old.verify(&token, now.plus_secs(600)), None);

        documents.insert("k2".to_owned(), Keys::generate().expect("a key"));
        let new = Keys::load(&documents).expect("keys");
        assert_eq!(new.verify(&token, now), Some(identity()));
        let newer = new.sign(&identity(), now);
        assert_eq!(old.verify(&newer, now), None, "an unknown key id is refused");
        assert_eq!(new.seal(&["a", "b"]), old.seal(&["a", "b"]));
        assert_ne!(new.seal(&["a", "b"]), new.seal(&["ab", ""]));
    }

    #[test]
    fn a_changed_token_is_refused() {
        let now = At::parse("2026-03-10T09:00:00Z").expect("valid");
        let keys = Keys::load(&BTreeMap::from([("k".to_owned(), Keys::generate().expect("a key"))])).expect("keys");
        let token = keys.sign(&identity(), now);
        let mut parts: Vec<&str> = token.split('.').collect();
        let other = keys.sign(&Identity { user: UserId::from_bits(7), ..identity() }, now);
        let body: Vec<&str> = other.split('.').collect();
        parts[1] = body[1];
        assert_eq!(keys.verify(&parts.join("."), now), None);
        assert_eq!(keys.verify("x.y.z", now), None);
    }
}
