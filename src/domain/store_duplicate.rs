//! Stores that stand twice in the directory, probably: near each other, with names and chains that fit, at an address
//! that does not speak against it. Only a person merges; this list is where to look. A grid keeps the work near linear.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::place::Point;

/// Two files place the same store at most this far apart: one takes the door, the other the middle of the building.
const REACH_M: f64 = 250.0;
/// A store is compared with at most so many others; a file that puts thousands on one spot costs no more.
const NEIGHBOURS_MAX: usize = 400;
const METRES_PER_DEGREE: f64 = 111_195.08;

/// Words that say what a store is, not which.
const GENERIC: &[&str] = &[
    "ag",
    "co",
    "company",
    "convenience",
    "corp",
    "corporation",
    "deli",
    "delicatessen",
    "epicerie",
    "filiale",
    "food",
    "foods",
    "gmbh",
    "grocery",
    "groceries",
    "inc",
    "la",
    "le",
    "lebensmittel",
    "llc",
    "ltd",
    "magasin",
    "market",
    "mart",
    "mini",
    "minimarket",
    "nv",
    "sa",
    "sarl",
    "shop",
    "store",
    "stores",
    "supermarche",
    "supermarket",
    "supermarkt",
    "the",
];

/// What is compared of a store.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub name: String,
    pub chain: Option<String>,
    /// Street and house number as one text, empty when unknown.
    pub address: String,
    pub point: Point,
}

/// Two places in the list of candidates, the lower first.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pair {
    pub first: usize,
    pub second: usize,
    /// 0 to 100; sorts the list.
    pub score: u8,
    pub distance_m: f64,
    /// How much the names share, 0 to 1.
    pub likeness: f64,
}

/// Every probable pair, the most probable first.
pub fn probable(all: &[Candidate]) -> Vec<Pair> {
    let words: Vec<Words> = all.iter().map(Words::of).collect();
    let grid = Grid::of(all);
    let mut found = Vec::new();
    for first in 0..all.len() {
        for second in grid.near(all[first].point).filter(|second| *second > first).take(NEIGHBOURS_MAX) {
            let distance_m = all[first].point.metres_to(all[second].point);
            if distance_m <= REACH_M
                && let Some((score, likeness)) = judge(&words[first], &words[second], distance_m)
            {
                found.push(Pair { first, second, score, distance_m, likeness });
            }
        }
    }
    found.sort_by_key(|pair| (Reverse(pair.score), pair.first, pair.second));
    found
}

/// Score and likeness, when the two may be one.
fn judge(a: &Words, b: &Words, distance_m: f64) -> Option<(u8, f64)> {
    if let (Some(one), Some(other)) = (&a.chain, &b.chain)
        && alike(one, other) < 0.6
    {
        return None;
    }
    // Branch numbers and house numbers inside names tell stores of a chain apart.
    if !a.numbers.is_empty() && !b.numbers.is_empty() && a.numbers != b.numbers {
        return None;
    }
    let same_address = !a.address.is_empty() && a.address == b.address;
    // Elsewhere a chain's name says little: its petrol station stands next door.
    let named_after = |chain: &Option<Grams>, name: &Grams| {
        chain.as_ref().filter(|_| same_address).map_or(0.0, |chain| alike(chain, name))
    };
    let likeness = alike(&a.name, &b.name).max(named_after(&a.chain, &b.name)).max(named_after(&b.chain, &a.name));
    let other_address = !a.address.is_empty() && !b.address.is_empty() && !same_address;
    let least = match distance_m {
        _ if same_address => 0.5,
        // Another number on the same square is often the side door, farther off it is the neighbour.
        d if other_address && d > 60.0 => return None,
        _ if other_address => 0.9,
        d if d <= 75.0 => 0.7,
        _ => 0.9,
    };
    if likeness < least {
        return None;
    }
    let address = if same_address {
        1.0
    } else if other_address {
        0.0
    } else {
        0.5
    };
    let score = 60.0 * likeness + 20.0 * (1.0 - distance_m / REACH_M) + 20.0 * address;
    Some((score.round().clamp(0.0, 100.0) as u8, likeness))
}

/// Pairs of neighbouring letters, sorted.
type Grams = Vec<[char; 2]>;

struct Words {
    name: Grams,
    chain: Option<Grams>,
    numbers: BTreeSet<String>,
    address: String,
}

impl Words {
    fn of(candidate: &Candidate) -> Words {
        let name = words(&candidate.name);
        Words {
            numbers: name.iter().filter(|word| word.contains(|c: char| c.is_ascii_digit())).cloned().collect(),
            name: grams(&name),
            chain: candidate.chain.as_deref().map(|chain| grams(&words(chain))).filter(|grams| !grams.is_empty()),
            address: match words_of(&candidate.address) {
                // A street without a number is no address.
                words if words.iter().any(|w| w.contains(|c: char| c.is_ascii_digit())) => words.join(" "),
                _ => String::new(),
            },
        }
    }
}

/// Words in small letters without accents, generic ones left out unless nothing else remains.
fn words(text: &str) -> Vec<String> {
    let all = words_of(text);
    let own: Vec<String> = all.iter().filter(|word| !GENERIC.contains(&word.as_str())).cloned().collect();
    if own.is_empty() { all } else { own }
}

fn words_of(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'à'..='å' | 'ā' | 'ă' | 'ą' => plain.push('a'),
            'ç' | 'ć' | 'č' => plain.push('c'),
            'è'..='ë' | 'ē' | 'ę' | 'ě' => plain.push('e'),
            'ì'..='ï' | 'ī' | 'į' | 'ı' => plain.push('i'),
            'ñ' | 'ń' | 'ň' => plain.push('n'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => plain.push('o'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => plain.push('u'),
            'ý' | 'ÿ' => plain.push('y'),
            'ś' | 'š' | 'ş' => plain.push('s'),
            'ź' | 'ž' | 'ż' => plain.push('z'),
            'ł' => plain.push('l'),
            'ß' => plain.push_str("ss"),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            // Marks inside a word do not part it: "Denner's", "S.A.".
            '\'' | '’' | '.' => {}
            c if c.is_alphanumeric() => plain.push(c),
            _ => plain.push(' '),
        }
    }
    plain.split_whitespace().map(str::to_owned).collect()
}

fn grams(words: &[String]) -> Grams {
    let letters: Vec<char> = words.iter().flat_map(|word| word.chars()).collect();
    let mut grams: Grams = match letters.as_slice() {
        [] => Vec::new(),
        [one] => vec![[*one, ' ']],
        more => more.windows(2).map(|two| [two[0], two[1]]).collect(),
    };
    grams.sort_unstable();
    grams
}

/// Dice's coefficient: what two sorted lists share, 0 to 1.
fn alike(a: &Grams, b: &Grams) -> f64 {
    let (mut i, mut j, mut shared) = (0, 0, 0_usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, shared) = (i + 1, j + 1, shared + 1),
        }
    }
    let both = a.len() + b.len();
    if both == 0 { 0.0 } else { 2.0 * shared as f64 / both as f64 }
}

/// Cells of at least the reach in both directions; rows of cells run round the globe, so the date line is no edge.
struct Grid(HashMap<(i32, i32), Vec<usize>>);

const ROW_DEGREES: f64 = REACH_M / METRES_PER_DEGREE;

fn row_of(lat: f64) -> i32 {
    (lat / ROW_DEGREES).floor() as i32
}

/// How many cells a row has: none is narrower than the reach where the row is narrowest.
fn cells_in(row: i32) -> i32 {
    let outer = (f64::from(row) * ROW_DEGREES).abs().max((f64::from(row + 1) * ROW_DEGREES).abs());
    let round = 360.0 * METRES_PER_DEGREE * outer.min(90.0).to_radians().cos();
    (round / REACH_M).floor().max(1.0) as i32
}

fn cell_of(row: i32, lon: f64) -> i32 {
    let cells = cells_in(row);
    (((lon + 180.0) / 360.0 * f64::from(cells)).floor() as i32).rem_euclid(cells)
}

impl Grid {
    fn of(all: &[Candidate]) -> Grid {
        let mut cells: HashMap<(i32, i32), Vec<usize>> = HashMap::new();
        for (n, candidate) in all.iter().enumerate() {
            let row = row_of(candidate.point.lat());
            cells.entry((row, cell_of(row, candidate.point.lon()))).or_default().push(n);
        }
        Grid(cells)
    }

    /// Everything in the cells around the point, once each.
    fn near(&self, point: Point) -> impl Iterator<Item = usize> + '_ {
        let row = row_of(point.lat());
        let around: BTreeSet<(i32, i32)> = (row - 1..=row + 1)
            .flat_map(|row| {
                let (cells, middle) = (cells_in(row), cell_of(row, point.lon()));
                (middle - 1..=middle + 1).map(move |cell| (row, cell.rem_euclid(cells)))
            })
            .collect();
        around.into_iter().filter_map(|cell| self.0.get(&cell)).flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop(name: &str, chain: &str, address: &str, lat: f64, lon: f64) -> Candidate {
        Candidate {
            name: name.to_owned(),
            chain: Some(chain.to_owned()).filter(|chain| !chain.is_empty()),
            address: address.to_owned(),
            point: Point::new(lat, lon).expect("on the globe"),
        }
    }

    fn are_one(a: Candidate, b: Candidate) -> bool {
        !probable(&[a, b]).is_empty()
    }

    #[test]
    fn the_same_store_from_two_files_is_found() {
        let node = shop("Coop", "Coop", "", 46.5200, 6.6300);
        let building = shop("Coop Supermarché", "COOP", "Rue de la Pontaise 14", 46.5206, 6.6305);
        assert!(are_one(node.clone(), building.clone()));
        let pair = probable(&[node, building])[0];
        assert_eq!((pair.first, pair.second, pair.likeness), (0, 1, 1.0));
        assert!(pair.distance_m > 70.0 && pair.distance_m < 90.0 && pair.score > 80, "{pair:?}");
        let named = shop("Café du Marché", "", "", 46.52, 6.63);
        assert!(are_one(named, shop("CAFE DU MARCHE", "", "", 46.5201, 6.63)));
        assert!(are_one(
            shop("K & D Grocery Corp.", "", "12 Main St", 40.7, -73.9),
            shop("K D DELI GROCERY", "", "12 MAIN ST", 40.7001, -73.9)
        ));
    }

    #[test]
    fn neighbours_are_not_one_store() {
        let coop = shop("Coop", "Coop", "", 46.52, 6.63);
        assert!(!are_one(coop.clone(), shop("Migros", "Migros", "", 46.52, 6.63)), "another chain in the same house");
        assert!(!are_one(coop.clone(), shop("Coop Pronto", "Coop", "", 46.5203, 6.63)), "its petrol station");
        assert!(!are_one(coop.clone(), shop("Coop", "Coop", "", 46.5230, 6.63)), "300 m away");
        let first = shop("Lidl", "Lidl", "High Street 1", 46.52, 6.63);
        assert!(!are_one(first, shop("Lidl", "Lidl", "High Street 90", 46.5212, 6.63)), "both addresses are known");
        assert!(!are_one(shop("7-Eleven #123", "", "", 40.7, -73.9), shop("7-Eleven #456", "", "", 40.7003, -73.9)));
    }

    #[test]
    fn the_date_line_and_the_poles_are_no_edge() {
        assert!(are_one(shop("Fiji Mart", "", "", -17.0, 179.9999), shop("Fiji Mart", "", "", -17.0, -179.9999)));
        assert!(are_one(shop("Last Shop", "", "", 89.9999, 0.0), shop("Last Shop", "", "", 89.9999, 180.0)));
        assert!(are_one(shop("South", "", "", -89.99999, 10.0), shop("South", "", "", -89.99999, -120.0)));
    }

    #[test]
    fn cells_hold_everything_within_reach() {
        // Rows of neighbouring latitudes have different cells.
        for lat in [0.0, 46.52, 71.3, -54.8] {
            for n in 0..200 {
                let lon = -179.9 + 1.797 * f64::from(n);
                let other = Point::new(lat + 0.002, lon + 0.001).expect("on the globe");
                let one = shop("Far Shop", "", "", lat, lon);
                let two = Candidate { point: other, ..one.clone() };
                assert!(one.point.metres_to(other) > REACH_M || are_one(one, two), "{lat} {lon}");
            }
        }
    }

    #[test]
    fn a_heap_of_stores_on_one_spot_costs_no_square() {
        let heap: Vec<Candidate> = (0..20_000).map(|n| shop(&format!("Shop {n}"), "", "", 46.5, 6.6)).collect();
        assert!(probable(&heap).is_empty(), "all have numbers of their own");
    }
}
