//! A product as the trade names it: a GTIN with a check digit that fits. Not here: prices, and where it stands.

use super::refusal::FieldError;

/// A GTIN-8, -12, -13 or -14, kept as it was written.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Gtin(String);

impl Gtin {
    /// `None` unless it has 8, 12, 13 or 14 digits and the last one is the check digit of the others.
    pub fn parse(text: &str) -> Option<Gtin> {
        let digits: Vec<u32> = text.chars().map(|c| c.to_digit(10)).collect::<Option<_>>()?;
        let (check, body) = digits.split_last()?;
        let weighted: u32 = body.iter().rev().enumerate().map(|(i, d)| if i % 2 == 0 { d * 3 } else { *d }).sum();
        let fits = matches!(digits.len(), 8 | 12 | 13 | 14) && (10 - weighted % 10) % 10 == *check;
        fits.then(|| Gtin(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Every way to write it: a UPC and the EAN that pads it with zeros are one GTIN.
    pub fn writings(&self) -> Vec<String> {
        let bare = self.0.trim_start_matches('0');
        [8, 12, 13, 14].into_iter().filter(|n| bare.len() <= *n).map(|n| format!("{bare:0>n$}")).collect()
    }

    /// What to tell somebody whose text is none.
    pub fn complaint(pointer: &str) -> FieldError {
        FieldError::new(
            pointer,
            "gtin",
            "A GTIN has 8, 12, 13 or 14 digits and the last one checks the others; read it off the barcode again.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gtin_has_a_known_length_and_a_fitting_check_digit() {
        for good in ["40170725", "036000291452", "4006381333931", "10614141000415", "00000000"] {
            assert!(Gtin::parse(good).is_some(), "{good}");
        }
        for bad in ["", "4006381333932", "400638133393", "40063813339311", "4006381 33931", "٤٠٠٦٣٨١٣٣٣٩٣١", "-0170725"]
        {
            assert_eq!(Gtin::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_upc_and_its_ean_are_one_product() {
        let upc = Gtin::parse("036000291452").expect("valid");
        assert_eq!(upc.writings(), ["036000291452", "0036000291452", "00036000291452"]);
    }
}
