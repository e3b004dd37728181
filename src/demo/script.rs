//! What is said and shown in the demonstration: the brand's campaigns, the answers and pictures of each visit, the reasons
//! of each decision. The round of PRODUCT.md (a hygiene shelf, three brands, two supermarkets and a third that is shut),
//! told in Lausanne in Swiss francs. Names of brands and people are invented; stores are real.

use std::io::Cursor;

use serde_json::{Map, Value, json};

use super::data::PHOTOS;
use crate::domain::campaign::Clause;
use crate::domain::refusal::{Failure, Outcome};
use crate::domain::submission::Outcome as Ended;
use crate::ops::campaigns::LoopBrand;

pub const BRAND: &str = "Savonnerie du Léman";

/// Around here the campaign's stores are chosen: the station of Lausanne.
pub const CENTRE: (f64, f64) = (46.516_8, 6.629_1);
/// The reference round's stores, then the nearest ones.
pub const ROUND: &[&str] = &["node/282021895", "node/1041063962", "node/8437761803"];
/// Stores of the hygiene round, and of the second campaign among them.
pub const STORES: usize = 40;
pub const DISPLAY_STORES: usize = 6;

pub const REWARD_MINOR: i64 = 900;
pub const ATTEMPT_FEE_MINOR: i64 = 300;

/// A picture of the demonstration.
#[derive(Clone, Copy, Debug)]
pub enum Picture {
    Sharp(&'static str),
    /// The same, taken with a shaking hand.
    Shaken(&'static str),
}

impl Picture {
    pub fn jpeg(self) -> Outcome<Vec<u8>> {
        let (Picture::Sharp(name) | Picture::Shaken(name)) = self;
        let photo = PHOTOS.iter().find(|photo| photo.name == name);
        let photo = photo.ok_or_else(|| Failure::fault(format!("there is no picture {name}")))?;
        match self {
            Picture::Sharp(_) => Ok(photo.jpeg.to_vec()),
            Picture::Shaken(_) => {
                let picture = image::load_from_memory(photo.jpeg).map_err(Failure::fault)?.fast_blur(9.0);
                let mut jpeg = Cursor::new(Vec::new());
                picture.write_to(&mut jpeg, image::ImageFormat::Jpeg).map_err(Failure::fault)?;
                Ok(jpeg.into_inner())
            }
        }
    }
}

/// A photo and the question that it answers.
#[derive(Clone, Copy, Debug)]
pub struct Shot {
    pub question: &'static str,
    pub picture: Picture,
}

const fn shot(question: &'static str, name: &'static str) -> Shot {
    Shot { question, picture: Picture::Sharp(name) }
}

pub struct Visit {
    pub outcome: Ended,
    pub answers: Map<String, Value>,
    pub shots: Vec<Shot>,
    /// How far from the store the phone was.
    pub metres_off: f64,
}

const LEMAN: &str = "/brand/leman/shelf";
const ALPINA: &str = "/brand/alpina/shelf";
const PURLAC: &str = "/brand/purlac/shelf";

/// Facings, products out of stock, products nearly out of stock; `None`: the store does not sell the brand.
type Shelf = Option<(i64, i64, i64)>;

fn shelf(seen: Shelf) -> Value {
    match seen {
        None => json!({ "state": { "value": "not_listed" } }),
        Some((facings, out, near)) => json!({
            "state": { "value": if facings == 0 { "out_of_stock" } else if near > 0 { "low" } else { "in_stock" } },
            "facings": { "value": facings },
            "oos_products": { "value": out },
            "near_oos_products": { "value": near },
        }),
    }
}

fn round(brands: [Shelf; 3], remark: &str, shots: Vec<Shot>) -> Visit {
    let [leman, alpina, purlac] = brands.map(shelf);
    let mut answers = Map::new();
    answers.insert("brand".to_owned(), json!({ "leman": leman, "alpina": alpina, "purlac": purlac }));
    if !remark.is_empty() {
        answers.insert("remark".to_owned(), json!({ "value": remark }));
    }
    Visit { outcome: Ended::Completed, answers, shots, metres_off: 0.0 }
}

// The visits

pub fn first_store() -> Visit {
    let shots = vec![shot(LEMAN, "cucumbers"), shot(ALPINA, "baking"), shot(PURLAC, "peppers")];
    round([Some((18, 0, 1)), Some((24, 0, 0)), Some((9, 1, 1))], "Étiquette manquante chez Pur Lac.", shots)
}

pub fn second_store() -> Visit {
    let shots = vec![shot(LEMAN, "tomatoes"), shot(ALPINA, "potatoes")];
    round([Some((12, 0, 0)), Some((20, 1, 2)), None], "", shots)
}

/// The third store of the round has its shutters down.
pub fn shut_store() -> Visit {
    Visit {
        outcome: Ended::ClosedTemporarily,
        answers: Map::new(),
        shots: vec![shot("", "storefront")],
        metres_off: 0.0,
    }
}

pub fn blurred() -> Visit {
    let shots = vec![Shot { question: LEMAN, picture: Picture::Sharp("jams_blurred") }];
    round([Some((10, 0, 0)), None, None], "", shots)
}

/// More products out of stock than there are facings: the questionnaire itself finds that odd.
pub fn wrong_subject() -> Visit {
    round([Some((1, 2, 1)), None, None], "", vec![shot(LEMAN, "ready_potatoes")])
}

pub fn too_far() -> Visit {
    let visit = round([Some((14, 0, 1)), None, None], "", vec![shot(LEMAN, "juice_offer")]);
    Visit { metres_off: 1_400.0, ..visit }
}

pub fn one_part_wrong() -> Visit {
    let shots = vec![shot(LEMAN, "salad_gap"), shot(ALPINA, "juice_crate")];
    round([Some((16, 1, 2)), Some((2, 3, 2)), None], "Alpina : carton devant le rayon.", shots)
}

/// Another worker's picture of another store.
pub fn copied() -> Visit {
    round([None, Some((22, 0, 0)), None], "", vec![shot(ALPINA, "baking")])
}

pub fn shaken() -> Visit {
    let shots = vec![Shot { question: PURLAC, picture: Picture::Shaken("juice_rows") }];
    round([None, None, Some((11, 0, 0))], "Beaucoup de monde au rayon.", shots)
}

/// A visit of the second campaign that says two things at once.
pub fn display() -> Visit {
    let answers = json!({ "display": { "value": false }, "facings": { "value": 6 } });
    let answers = answers.as_object().cloned().unwrap_or_default();
    let shots = vec![shot("/shelf", "salad_out_of_stock")];
    Visit { outcome: Ended::Completed, answers, shots, metres_off: 0.0 }
}

// The campaigns

fn clause(id: &str, text: &str) -> Clause {
    Clause { id: id.to_owned(), text: text.to_owned() }
}

pub fn round_brief() -> Vec<Clause> {
    vec![
        clause(
            "1.1",
            "If the store is shut or cannot be visited, photograph its front and say so: you are paid for the way.",
        ),
        clause("2.1", "For each of the three brands say whether the store sells it and whether it is on the shelf."),
        clause("2.2", "Count the facings of the brand: fronts of packs in the first row, not packs behind them."),
        clause("2.3", "Count the products that are out of stock and those with one or two packs left."),
        clause(
            "2.4",
            "Photograph the whole hygiene shelf of each brand that is sold: sharp, upright, labels readable.",
        ),
        clause("3.1", "Take the photos in the store of the mission, during the visit, without people's faces."),
    ]
}

pub fn round_brands() -> Vec<LoopBrand> {
    [("leman", "Savon du Léman"), ("alpina", "Alpina Fleur"), ("purlac", "Pur Lac")]
        .map(|(key, name)| LoopBrand { key: key.to_owned(), name: name.to_owned() })
        .to_vec()
}

pub fn round_questionnaire() -> Map<String, Value> {
    let listed = "${state} != 'not_listed'";
    let document = json!({
        "id": "hygiene-lausanne", "version": 1, "language": ["fr", "en"],
        "title": { "fr": "Tournée du rayon hygiène", "en": "Round of the hygiene shelf" },
        "items": [
            { "type": "photo", "name": "front", "subject": "store_front", "camera_only": true, "clause_id": "1.1",
              "label": { "fr": "Façade du magasin (facultatif)", "en": "Front of the store (optional)" } },
            { "type": "loop", "name": "brand", "over": "brands",
              "label": { "fr": "Marque", "en": "Brand" },
              "items": [
                { "type": "stock_state", "name": "state", "required": true, "clause_id": "2.1",
                  "low_threshold": "one or two packs left",
                  "label": { "fr": "La marque est-elle en rayon ?", "en": "Is the brand on the shelf?" } },
                { "type": "count", "name": "facings", "relevant": listed, "required": true, "min": 0, "max": 400,
                  "clause_id": "2.2", "label": { "fr": "Nombre de facings", "en": "Number of facings" } },
                { "type": "count", "name": "oos_products", "relevant": listed, "required": true, "min": 0, "max": 60,
                  "clause_id": "2.3", "label": { "fr": "Produits en rupture", "en": "Products out of stock" } },
                { "type": "count", "name": "near_oos_products", "relevant": listed, "required": true, "min": 0,
                  "max": 60, "clause_id": "2.3",
                  "flag_if": "${near_oos_products} + ${oos_products} > ${facings}",
                  "label": { "fr": "Produits presque en rupture", "en": "Products nearly out of stock" } },
                { "type": "photo", "name": "shelf", "required": listed, "subject": "shelf", "min": 1, "max": 3,
                  "camera_only": true, "photo_of": ["facings", "oos_products", "near_oos_products"],
                  "clause_id": "2.4", "label": { "fr": "Photo du rayon", "en": "Photo of the shelf" } }
            ] },
            { "type": "text", "name": "remark", "max_length": 500,
              "label": { "fr": "Remarque", "en": "Remark" } }
        ]
    });
    document.as_object().cloned().unwrap_or_default()
}

pub fn display_brief() -> Vec<Clause> {
    vec![
        clause("1", "Say whether the promotion display stands in the store, and count the facings on it."),
        clause("2", "Photograph the display; without one, the place where it should stand."),
    ]
}

pub fn display_questionnaire() -> Map<String, Value> {
    let document = json!({
        "id": "display-lausanne", "version": 1, "language": ["fr", "en"],
        "title": { "fr": "Tête de gondole", "en": "Promotion display" },
        "items": [
            { "type": "yes_no", "name": "display", "required": true, "clause_id": "1",
              "label": { "fr": "La tête de gondole est-elle en place ?", "en": "Does the display stand there?" } },
            { "type": "count", "name": "facings", "required": true, "min": 0, "max": 200, "clause_id": "1",
              "flag_if": "${facings} > 0 and not(${display})",
              "label": { "fr": "Nombre de facings", "en": "Number of facings" } },
            { "type": "photo", "name": "shelf", "required": true, "subject": "display", "min": 1, "max": 2,
              "camera_only": true, "clause_id": "2", "label": { "fr": "Photo", "en": "Photo" } }
        ]
    });
    document.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::questionnaire::{LoopKey, LoopSets, compile};

    #[test]
    fn both_questionnaires_compile() {
        let brands = round_brands().iter().map(|b| LoopKey::new(&b.key).with("name", &b.name)).collect();
        let sets = LoopSets { brands, ..LoopSets::default() };
        for document in [round_questionnaire(), display_questionnaire()] {
            let compiled = compile(&Value::Object(document), &sets);
            assert!(compiled.is_ok(), "{:?}", compiled.err());
        }
    }

    #[test]
    fn every_picture_is_there() {
        let visits = [
            first_store(),
            second_store(),
            shut_store(),
            blurred(),
            wrong_subject(),
            too_far(),
            one_part_wrong(),
            display(),
        ];
        let mut names = Vec::new();
        for shot in visits.iter().flat_map(|visit| &visit.shots) {
            let (Picture::Sharp(name) | Picture::Shaken(name)) = shot.picture;
            assert!(PHOTOS.iter().any(|photo| photo.name == name), "{name}");
            names.push(name);
        }
        let used = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), used, "one picture proves one visit; only a copy is sent twice");
    }
}
