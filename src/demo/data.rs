//! The demonstration's stores and photos, built into the program. Sources and licences: `data/README.md` and
//! `data/photos/README.md`. Photos carry no EXIF; `checks::stamp` gives them a time, a place and a camera.

/// Some 300 supermarkets of French-speaking Switzerland as CSV for `store_import::parse_csv` (country CH, time zone
/// Europe/Zurich). (c) OpenStreetMap contributors, ODbL 1.0.
pub const STORES_CH: &[u8] = include_bytes!("data/stores_ch.csv");

/// What a photo can stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    FullShelf,
    /// Empty facings are visible.
    Gaps,
    /// A promotion sign or display.
    Offer,
    StoreFront,
    /// Out of focus on purpose: the check must say so.
    Blurred,
}

/// One picture, 1600 pixels on its longer side.
#[derive(Clone, Copy, Debug)]
pub struct Photo {
    pub name: &'static str,
    pub shows: Shows,
    pub jpeg: &'static [u8],
}

macro_rules! photos {
    ($($name:literal $shows:ident),+ $(,)?) => {
        &[$(Photo {
            name: $name,
            shows: Shows::$shows,
            jpeg: include_bytes!(concat!("data/photos/", $name, ".jpg")),
        }),+]
    };
}

pub const PHOTOS: &[Photo] = photos! {
    "jams" FullShelf,
    "baking" FullShelf,
    "peppers" FullShelf,
    "cucumbers" FullShelf,
    "tomatoes" FullShelf,
    "potatoes" FullShelf,
    "ready_potatoes" Offer,
    "juice_offer" Offer,
    "juice_crate" Offer,
    "juice_rows" Offer,
    "salad_gap" Gaps,
    "salad_two_gaps" Gaps,
    "salad_out_of_stock" Gaps,
    "storefront" StoreFront,
    "jams_blurred" Blurred,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::store::Zone;
    use crate::domain::store_import::{Defaults, parse_csv};

    #[test]
    fn every_demo_store_can_be_imported_and_many_are_in_lausanne() {
        let time_zone = Zone::parse("Europe/Zurich").expect("a zone");
        let defaults = Defaults { source: "demo".to_owned(), country: "CH".to_owned(), time_zone };
        let parsed = parse_csv(STORES_CH, &defaults);
        assert_eq!(parsed.errors, []);
        assert_eq!(parsed.warnings.len(), 2, "two rows have hours that cannot be read, as real files do");
        assert!(parsed.rows.len() >= 300);
        let in_lausanne = |lat: f64, lon: f64| (46.505..46.552).contains(&lat) && (6.57..6.67).contains(&lon);
        assert!(parsed.rows.iter().filter(|row| in_lausanne(row.lat, row.lon)).count() >= 24);
        let unknown_hours = parsed.rows.iter().filter(|row| row.opening_hours.is_none()).count();
        assert!((50..250).contains(&unknown_hours), "{unknown_hours} without hours");
        for chain in ["Migros", "Coop", "Denner", "Lidl"] {
            assert!(parsed.rows.iter().any(|row| row.chain.as_deref() == Some(chain)), "{chain}");
        }
    }

    #[test]
    fn demo_photos_are_plain_jpegs_of_one_size() {
        for photo in PHOTOS {
            let picture = image::load_from_memory(photo.jpeg).expect("a JPEG");
            assert_eq!(picture.width().max(picture.height()), 1600, "{}", photo.name);
            assert!(!photo.jpeg.windows(5).any(|w| w == b"Exif\0"), "{} carries EXIF", photo.name);
        }
        assert!(PHOTOS.iter().map(|photo| photo.jpeg.len()).sum::<usize>() < 3_000_000);
    }
}
