//! Shops of an OpenStreetMap extract (`.osm.pbf`): nodes, and ways by the middle of their corners, a closed one with its
//! outline. Rows and their mistakes are `store_import`'s; here a row with a mistake is always left out, because nobody
//! corrects an extract.

use std::collections::HashMap;
use std::io::{self, Read};

use osmpbf::{Element, ElementReader};

use super::outline::Outline;
use super::place::Point;
use super::store_import::{Defaults, Parsed, Reading};

/// Tags that are read; others, such as `source`, mean something else than a column of that name.
const TAGS: &[&str] = &[
    "name",
    "brand",
    "operator",
    "opening_hours",
    "shop",
    "addr:street",
    "addr:housenumber",
    "addr:postcode",
    "addr:city",
    "addr:country",
];
/// Values of `shop` that say there is none.
const NO_SHOP: &[&str] = &["no", "vacant", "disused"];

struct Shop {
    id: String,
    texts: HashMap<String, String>,
    /// Nodes of a way, in order; none for a node.
    corners: Vec<i64>,
}

/// Reads the shops of an extract whose `shop` is one of `kinds`; all shops when there are none. `open` is called twice:
/// the corners of ways stand before them. Shops that are relations are named among the rows left out. An extract that
/// cannot be read is one error, `not_pbf`.
pub fn parse_pbf<R: Read + Send>(open: impl Fn() -> io::Result<R>, kinds: &[String], defaults: &Defaults) -> Parsed {
    let mut file = Reading::new(defaults);
    let shops = match open().map_err(osmpbf::Error::from).and_then(|bytes| shops_of(bytes, kinds)) {
        Ok(shops) => shops,
        Err(error) => return not_pbf(file, &error),
    };
    let mut places: HashMap<i64, Option<Point>> =
        shops.iter().flat_map(|shop| &shop.corners).map(|node| (*node, None)).collect();
    if !places.is_empty()
        && let Err(error) = open().map_err(osmpbf::Error::from).and_then(|bytes| find(bytes, &mut places))
    {
        return not_pbf(file, &error);
    }
    for (number, mut shop) in (1..).zip(shops) {
        if shop.id.starts_with("relation/") {
            file.error(number, "", "relation", "Shops that are relations are not read.".to_owned());
        } else {
            let outline = place(&mut shop, &places);
            file.texts(number, outline.map(Ok), &shop.texts);
        }
        // The number of a shop is nothing that can be looked up; its id is.
        for mistake in file.parsed.errors.drain(..) {
            let message = format!("{}: {}", shop.id, mistake.message);
            file.parsed.left_out.push(super::store_import::RowError { message, ..mistake });
        }
    }
    file.parsed
}

fn not_pbf(mut file: Reading, error: &osmpbf::Error) -> Parsed {
    file.error(1, "", "not_pbf", format!("The extract cannot be read: {error}."));
    file.parsed
}

fn shops_of(bytes: impl Read + Send, kinds: &[String]) -> osmpbf::Result<Vec<Shop>> {
    let mut found = Vec::new();
    ElementReader::new(bytes).for_each(|element| match element {
        Element::Node(node) => {
            let at = (node.lat(), node.lon());
            found.extend(shop_of("node", node.id(), kinds, node.tags()).map(|mut shop| {
                at_point(&mut shop, at);
                shop
            }));
        }
        Element::DenseNode(node) => {
            let at = (node.lat(), node.lon());
            found.extend(shop_of("node", node.id(), kinds, node.tags()).map(|mut shop| {
                at_point(&mut shop, at);
                shop
            }));
        }
        Element::Way(way) => {
            let shop = shop_of("way", way.id(), kinds, way.tags());
            found.extend(shop.map(|shop| Shop { corners: way.refs().collect(), ..shop }));
        }
        Element::Relation(relation) => found.extend(shop_of("relation", relation.id(), kinds, relation.tags())),
    })?;
    Ok(found)
}

fn shop_of<'t>(kind: &str, id: i64, kinds: &[String], tags: impl Iterator<Item = (&'t str, &'t str)>) -> Option<Shop> {
    let texts: HashMap<String, String> = tags
        .filter(|(name, _)| TAGS.contains(name))
        .map(|(name, text)| (name.to_owned(), text.trim().to_owned()))
        .collect();
    let shop = texts.get("shop")?;
    let wanted = match kinds {
        [] => !NO_SHOP.contains(&shop.as_str()),
        some => some.contains(shop),
    };
    let mut shop = Shop { id: format!("{kind}/{id}"), texts, corners: Vec::new() };
    shop.texts.insert("id".to_owned(), shop.id.clone());
    wanted.then_some(shop)
}

fn at_point(shop: &mut Shop, (lat, lon): (f64, f64)) {
    // The seven decimals of OpenStreetMap: every file of the same data gives the same position.
    shop.texts.insert("lat".to_owned(), format!("{lat:.7}"));
    shop.texts.insert("lon".to_owned(), format!("{lon:.7}"));
}

/// Fills in where the nodes are.
fn find(bytes: impl Read + Send, places: &mut HashMap<i64, Option<Point>>) -> osmpbf::Result<()> {
    let mut note = |id: i64, lat: f64, lon: f64| {
        if let Some(place) = places.get_mut(&id) {
            *place = Point::new(lat, lon);
        }
    };
    ElementReader::new(bytes).for_each(|element| match element {
        Element::Node(node) => note(node.id(), node.lat(), node.lon()),
        Element::DenseNode(node) => note(node.id(), node.lat(), node.lon()),
        Element::Way(_) | Element::Relation(_) => {}
    })
}

/// Gives a way the middle of its corners; its outline, when it is closed and lies wholly in the extract.
fn place(shop: &mut Shop, places: &HashMap<i64, Option<Point>>) -> Option<Outline> {
    let closed = shop.corners.len() > 3 && shop.corners.first() == shop.corners.last();
    if closed {
        shop.corners.pop();
    }
    let known: Vec<Point> = shop.corners.iter().filter_map(|node| places.get(node).copied().flatten()).collect();
    let first = known.first()?;
    let whole = known.len() == shop.corners.len();
    let outline = Outline::of_corners(known.clone()).ok().filter(|_| closed && whole);
    let turned = |point: &Point| (point.lon() - first.lon() + 540.0).rem_euclid(360.0) - 180.0;
    let lat = known.iter().map(|point| point.lat()).sum::<f64>() / known.len() as f64;
    let lon = first.lon() + known.iter().map(turned).sum::<f64>() / known.len() as f64;
    let lon = (lon + 540.0).rem_euclid(360.0) - 180.0;
    at_point(shop, (lat, lon));
    outline
}

#[cfg(test)]
mod tests {
    use super::super::store::Zone;
    use super::*;

    /// Made up for this test (tests/fixtures/stores/README.md says how); not from OpenStreetMap.
    const TOWN: &[u8] = include_bytes!("../../tests/fixtures/stores/town.osm.pbf");

    fn read(bytes: &'static [u8], kinds: &[&str]) -> Parsed {
        let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let time_zone = Zone::parse("Europe/Zurich").expect("a zone");
        let defaults = Defaults { source: "import".to_owned(), country: "CH".to_owned(), time_zone };
        parse_pbf(|| Ok(bytes), &kinds, &defaults)
    }

    #[test]
    fn nodes_and_ways_with_a_shop_are_stores() {
        let parsed = read(TOWN, &[]);
        assert_eq!(parsed.errors, []);
        let ids: Vec<&str> = parsed.rows.iter().map(|row| row.source_id.as_str()).collect();
        assert_eq!(ids, ["node/1", "node/2", "way/20", "way/21"]);
        let [corner, bakery, hall, torn] = &parsed.rows[..] else { panic!("four rows") };
        assert_eq!(
            (corner.source.as_str(), corner.name.as_str(), corner.chain.as_deref()),
            ("osm", "Coop", Some("Coop"))
        );
        assert_eq!((corner.lat, corner.lon), (46.52, 6.63));
        assert_eq!(corner.opening_hours.as_deref(), Some("Mo-Sa 08:00-19:00"));
        assert_eq!((corner.street.as_deref(), corner.city.as_deref()), (Some("Rue Neuve"), Some("Lausanne")));
        assert_eq!(
            (bakery.kind.as_deref(), bakery.name.as_str()),
            (Some("bakery"), "Chez Paul"),
            "named by its operator"
        );
        assert_eq!((hall.lat, hall.lon), (46.5305, 6.6405));
        assert_eq!(hall.outline.as_ref().map(|outline| outline.corners().len()), Some(4));
        assert_eq!(torn.outline, None, "a corner lies outside the extract");
        assert!((torn.lat - 46.53).abs() < 1e-9);
        let left_out: Vec<_> = parsed.left_out.iter().map(|e| (e.code, e.message.as_str())).collect();
        assert_eq!(
            left_out,
            [
                ("name_missing", "osm:node/3 has no name."),
                ("position_missing", "Nowhere has no position; a mission needs one."),
                ("relation", "relation/30: Shops that are relations are not read."),
            ]
        );
    }

    #[test]
    fn only_the_kinds_that_were_asked_for_are_read() {
        let parsed = read(TOWN, &["bakery"]);
        assert_eq!(parsed.rows.iter().map(|row| row.source_id.as_str()).collect::<Vec<_>>(), ["node/2"]);
        assert!(parsed.left_out.is_empty());
    }

    #[test]
    fn what_is_no_extract_is_one_error() {
        for bytes in [&b"<osm>"[..], &TOWN[..TOWN.len() / 2]] {
            let parsed = read(bytes, &[]);
            assert_eq!(parsed.errors.iter().map(|e| e.code).collect::<Vec<_>>(), ["not_pbf"]);
        }
    }
}
