//! One-time codes by time (RFC 6238, SHA-1, six digits, thirty seconds): the second factor of staff who let large sums go.

use aws_lc_rs::hmac;

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_BYTES: usize = 20;
const STEP_SECS: i64 = 30;
const DIGITS: u32 = 6;

/// A fresh secret in base 32, as authenticator apps take it; `None` when the system gives no randomness.
pub fn generate() -> Option<String> {
    let mut bytes = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(base32(&bytes))
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for five in bytes.chunks(5) {
        let mut bits = [0; 8];
        bits[3..3 + five.len()].copy_from_slice(five);
        let bits = u64::from_be_bytes(bits);
        for place in 0..(five.len() * 8).div_ceil(5) {
            text.push(char::from(ALPHABET[((bits >> (35 - 5 * place)) & 31) as usize]));
        }
    }
    text
}

fn bytes_of(secret: &str) -> Option<Vec<u8>> {
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in secret.bytes() {
        let value = ALPHABET.iter().position(|b| *b == letter)?;
        bits = (bits << 5) | u32::try_from(value).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 255).ok()?);
        }
    }
    Some(bytes)
}

/// The code of one step.
fn code(secret: &str, step: i64) -> Option<String> {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes_of(secret)?);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().ok()?;
    let number = (u32::from_be_bytes(four) & 0x7fff_ffff) % 10_u32.pow(DIGITS);
    Some(format!("{number:06}"))
}

/// The code at this second; for who proves to be in possession of the secret.
pub fn code_at(secret: &str, unix_secs: i64) -> Option<String> {
    code(secret, unix_secs.div_euclid(STEP_SECS))
}

/// The step that `given` belongs to: the present one, or one before or after for clocks that differ, and none that is not
/// later than `last_step`, so that a code is good once.
pub fn step_of(secret: &str, given: &str, unix_secs: i64, last_step: i64) -> Option<i64> {
    let now = unix_secs.div_euclid(STEP_SECS);
    (now - 1..=now + 1).filter(|step| *step > last_step).find(|step| {
        code(secret, *step).is_some_and(|code| {
            aws_lc_rs::constant_time::verify_slices_are_equal(code.as_bytes(), given.as_bytes()).is_ok()
        })
    })
}

/// What an authenticator app reads from a square of dots.
pub fn address(issuer: &str, who: &str, secret: &str) -> String {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '@' | '_')).collect()
    };
    let (issuer, who) = (plain(issuer), plain(who));
    format!("otpauth://totp/{issuer}:{who}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_standard() {
        let secret = base32(b"12345678901234567890");
        assert_eq!(secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(bytes_of(&secret).as_deref(), Some(b"12345678901234567890".as_slice()));
        // RFC 6238, appendix B, the last six of eight digits.
        for (secs, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(code_at(&secret, secs).as_deref(), Some(code));
        }
    }

    #[test]
    fn a_code_is_good_once_and_for_a_minute_or_so() {
        let secret = generate().expect("randomness");
        let given = code_at(&secret, 3000).expect("a code");
        let step = step_of(&secret, &given, 3000, 0).expect("good");
        assert_eq!(step_of(&secret, &given, 3029, 0), Some(step));
        assert_eq!(step_of(&secret, &given, 3000, step), None, "used");
        assert_eq!(step_of(&secret, &given, 3090, 0), None, "too old");
        assert_eq!(step_of(&secret, "12345", 3000, 0), None);
    }
}
