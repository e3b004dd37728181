//! The index against a scan of everything, on made places.
//!
//! Chance comes from a fixed seed.

use super::*;

/// Xorshift: the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn id(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

fn at(lat: f64, lon: f64) -> Point {
    Point::new(lat, lon).expect("on the globe")
}

const TOWNS: [(f64, f64); 6] =
    [(47.37, 8.54), (46.95, 7.44), (-17.8, 179.99), (89.99, 10.0), (-89.995, -100.0), (0.0, 0.0)];

/// In or near a town, often at a store that has others.
fn anywhere(dice: &mut Dice) -> Point {
    let (lat, lon) = TOWNS[dice.below(TOWNS.len() as u64) as usize];
    let step = |dice: &mut Dice| if dice.one_in(2) { dice.between(-0.05, 0.05) } else { dice.below(9) as f64 / 100.0 };
    let (lat, lon) = (lat + step(dice), lon + step(dice) * if lat.abs() > 89.0 { 2000.0 } else { 1.0 });
    at(lat.clamp(-90.0, 90.0), (lon + 540.0).rem_euclid(360.0) - 180.0)
}

fn offer(dice: &mut Dice) -> Offer {
    Offer {
        id: dice.id(),
        at: anywhere(dice),
        reward_minor: 500 + dice.below(40) as i64 * 50,
        hourly_minor: 1500 + dice.below(30) as i64 * 100,
        starts_at: dice.below(50) as i64,
        ends_at: 60 + dice.below(60) as i64,
        needs: if dice.one_in(2) { 0 } else { 1 << dice.below(4) },
        brand: dice.below(90) as u32,
        campaign: dice.below(9) as u32,
        store: dice.below(7) as u32,
        currency: dice.below(3) as u16,
        minutes: 5 + dice.below(40) as u16,
        slots_free: 1,
        kind: dice.below(5) as u8,
        level: dice.below(4) as u8,
        recheck: dice.one_in(9),
    }
}

fn offers(dice: &mut Dice, count: usize) -> Vec<Offer> {
    (0..count).map(|_| offer(dice)).collect()
}

const GLOBE: Within = Within::Area { south: -90.0, north: 90.0, west: -180.0, east: 180.0 };
const SORTS: [Sort; 3] = [Sort::Nearest, Sort::HourlyPay, Sort::Ending];

fn somewhere(dice: &mut Dice) -> Within {
    let centre = anywhere(dice);
    match dice.below(3) {
        0 => Within::Circle { centre, metres: [500.0, 3000.0, 20_000.0, 2e6, 3e7][dice.below(5) as usize] },
        1 => GLOBE,
        _ => {
            let widest = [0.1, 100.0, 300.0][dice.below(3) as usize];
            let (high, wide) = (dice.between(0.0, 0.1), dice.between(0.0, widest));
            let turn = |lon: f64| (lon + 540.0).rem_euclid(360.0) - 180.0;
            let (south, north) = (centre.lat() - high, centre.lat() + high);
            Within::Area { south, north, west: turn(centre.lon() - wide / 2.0), east: turn(centre.lon() + wide / 2.0) }
        }
    }
}

/// Written apart from the index: degrees and the great circle.
fn lies_within(within: Within, point: Point) -> bool {
    match within {
        Within::Circle { centre, metres } => centre.metres_to(point) <= metres,
        Within::Area { south, north, west, east } => {
            let (lat, lon) = (point.lat(), point.lon());
            let fits = if west <= east { west <= lon && lon <= east } else { west <= lon || lon <= east };
            south <= lat && lat <= north && (fits || lat.abs() == 90.0)
        }
    }
}

fn meets(offer: &Offer, query: &Query) -> bool {
    let unmet = [
        !lies_within(query.within, offer.at),
        query.at < offer.starts_at || query.at >= offer.ends_at,
        query.currency.is_some_and(|currency| currency != offer.currency),
        query.reward_min.is_some_and(|least| offer.reward_minor < least),
        query.hourly_min.is_some_and(|least| offer.hourly_minor < least),
        query.minutes_max.is_some_and(|most| offer.minutes > most),
        query.brands.is_some_and(|brands| !brands.contains(&offer.brand)),
        query.kinds.is_some_and(|kinds| kinds & (1 << offer.kind) == 0),
        query.level.is_some_and(|level| level < offer.level),
        query.qualifications.is_some_and(|has| has & offer.needs != offer.needs),
        query.open.is_some_and(|open| !open(offer.store)),
        query.not.is_some_and(|not| not(offer)),
    ];
    !unmet.contains(&true)
}

/// Every offer that answers, in order, found by looking at all. Distances count to the millimetre: below, two ways to
/// compute one distance differ.
fn all_answers<'a>(offers: impl IntoIterator<Item = &'a Offer>, query: &Query) -> Vec<(i64, u128)> {
    let sort = |offer: &Offer| match query.sort {
        Sort::Nearest => (query.from.metres_to(offer.at) * 1000.0).round() as i64,
        Sort::HourlyPay => -offer.hourly_minor,
        Sort::Ending => offer.ends_at,
    };
    let mut found: Vec<_> =
        offers.into_iter().filter(|offer| meets(offer, query)).map(|offer| (sort(offer), offer.id)).collect();
    found.sort_unstable();
    found
}

/// Follows the pages to the end, as many at a time as `limit` says.
fn all_pages(index: &MissionIndex, query: Query, mut limit: impl FnMut() -> usize) -> Vec<Found> {
    let (mut found, mut after) = (Vec::new(), query.after);
    loop {
        let limit = limit();
        let page = index.answer(&Query { limit, after, ..query });
        assert!(page.offers.len() <= limit);
        assert!(page.next.is_none() || page.next > after, "each page gets on");
        found.extend(page.offers);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn assert_same(found: &[Found], expected: &[(i64, u128)], query: &Query) {
    assert!(found.is_sorted_by(|a, b| a.key < b.key), "in order, none twice");
    let mut got: Vec<_> = found.iter().map(|found| found.key.id()).collect();
    let mut ids: Vec<_> = expected.iter().map(|(_, id)| *id).collect();
    if query.sort == Sort::Nearest {
        for found in found {
            let metres = query.from.metres_to(found.offer.at);
            assert!((found.metres - metres).abs() <= 1e-5 * metres + 1e-6, "{} for {metres}", found.metres);
        }
        for (found, (millimetres, _)) in found.iter().zip(expected) {
            let expected = *millimetres as f64 / 1000.0;
            assert!((found.metres - expected).abs() <= 1e-5 * expected + 0.001, "{} for {expected}", found.metres);
        }
        got.sort_unstable();
        ids.sort_unstable();
    }
    assert_eq!(got.len(), ids.len(), "{:?} {:?} {:?}", query.within, query.sort, query.from);
    assert_eq!(got, ids);
}

/// Everything that the index keeps about its offers, found again from the offers alone.
fn assert_sound(index: &MissionIndex, offers: &[Offer]) {
    index.check();
    assert_eq!(index.len(), offers.len());
    for offer in offers {
        assert_eq!(index.get(offer.id), Some(offer));
    }
}

struct Filters {
    brands: Vec<u32>,
    banned: u32,
}

/// Each filter is set in some of the queries, and all in a few.
fn question<'a>(
    dice: &mut Dice,
    brands: &'a [u32],
    open: &'a dyn Fn(u32) -> bool,
    not: &'a dyn Fn(&Offer) -> bool,
) -> Query<'a> {
    let rarely = [2, 4, 12][dice.below(3) as usize];
    let at = if dice.one_in(3) { dice.below(120) as i64 } else { 55 };
    let plain = Query::new(anywhere(dice), somewhere(dice), at);
    Query {
        sort: SORTS[dice.below(3) as usize],
        currency: dice.one_in(rarely).then(|| dice.below(3) as u16),
        reward_min: dice.one_in(rarely).then(|| 500 + dice.below(2000) as i64),
        hourly_min: dice.one_in(rarely).then(|| 1500 + dice.below(3000) as i64),
        minutes_max: dice.one_in(rarely).then(|| dice.below(50) as u16),
        brands: dice.one_in(rarely).then_some(brands),
        kinds: dice.one_in(rarely).then(|| dice.below(32)),
        level: dice.one_in(rarely).then(|| dice.below(4) as u8),
        qualifications: dice.one_in(rarely).then(|| dice.below(16)),
        open: dice.one_in(rarely).then_some(open),
        not: dice.one_in(rarely).then_some(not),
        ..plain
    }
}

fn filters(dice: &mut Dice) -> Filters {
    Filters { brands: (0..dice.below(12)).map(|_| dice.below(90) as u32).collect(), banned: dice.below(9) as u32 }
}

#[test]
fn an_answer_holds_what_looking_at_all_finds() {
    let mut dice = Dice(0x51_7cc1);
    let offers = offers(&mut dice, 3000);
    let index = MissionIndex::build(offers.clone());
    let mut seen = 0;
    for _ in 0..400 {
        let Filters { brands, banned } = filters(&mut dice);
        let not = |offer: &Offer| offer.campaign == banned;
        let query = question(&mut dice, &brands, &|hours| hours % 3 == 1, &not);
        let expected = all_answers(&offers, &query);
        let found = all_pages(&index, query, || 1 + dice.below(700) as usize);
        assert_same(&found, &expected, &query);
        seen += found.len();

        let mut visited = Vec::new();
        index.visit_within(query.within, &mut |offer| visited.push(offer.id));
        visited.sort_unstable();
        let mut inside: Vec<_> = offers.iter().filter(|o| lies_within(query.within, o.at)).map(|o| o.id).collect();
        inside.sort_unstable();
        assert_eq!(visited, inside);
    }
    assert!(seen > 10_000, "the questions had answers: {seen}");
}

#[test]
fn built_at_once_or_one_by_one_the_answers_are_the_same() {
    let mut dice = Dice(0xfeed);
    let mut offers = offers(&mut dice, 1500);
    let mut index = MissionIndex::default();
    offers.iter().for_each(|offer| index.put(*offer));
    let mut twice = offers.clone();
    let older = offers.iter().take(200).map(|offer| Offer { at: at(1.0, 1.0), reward_minor: 1, ..*offer });
    twice.splice(0..0, older);
    let built = MissionIndex::build(twice);
    offers.sort_unstable_by_key(|offer| offer.id);
    assert_sound(&index, &offers);
    assert_sound(&built, &offers);
    for sort in SORTS {
        let query = Query { sort, limit: 300, ..Query::new(anywhere(&mut dice), somewhere(&mut dice), 55) };
        assert_eq!(index.answer(&query), built.answer(&query));
    }
}

#[test]
fn pages_neither_repeat_nor_lose_while_offers_come_and_go() {
    let mut dice = Dice(0xabcdef);
    let mut present = offers(&mut dice, 1200);
    let mut index = MissionIndex::build(present.clone());
    for round in 0..60 {
        let Filters { brands, banned } = filters(&mut dice);
        let not = |offer: &Offer| offer.campaign == banned;
        let query = question(&mut dice, &brands, &|hours| hours > 1, &not);
        let query =
            if round % 3 == 0 { Query { sort: query.sort, ..Query::new(query.from, GLOBE, 55) } } else { query };
        let mut stayed = present.clone();
        let mut ever = present.clone();
        let (mut found, mut after) = (Vec::<Found>::new(), None);
        loop {
            let page = index.answer(&Query { after, limit: 1 + dice.below(60) as usize, ..query });
            found.extend(page.offers);
            after = page.next;
            if after.is_none() {
                break;
            }
            for _ in 0..dice.below(20) {
                let new = offer(&mut dice);
                index.put(new);
                present.push(new);
                ever.push(new);
                let gone = present.swap_remove(dice.below(present.len() as u64) as usize);
                assert!(index.remove(gone.id));
                assert!(!index.remove(gone.id));
                assert_eq!(index.get(gone.id), None);
            }
        }
        stayed.retain(|offer| index.get(offer.id).is_some());
        assert!(found.is_sorted_by(|a, b| a.key < b.key), "in order, none twice");
        let found: Vec<u128> = found.iter().map(|found| found.key.id()).collect();
        let all = all_answers(&ever, &query);
        assert!(found.iter().all(|id| all.iter().any(|(_, other)| other == id)));
        assert!(all_answers(&stayed, &query).iter().all(|(_, id)| found.contains(id)), "none lost");
    }
    assert_sound(&index, &present);
}

#[test]
fn what_nodes_know_stays_true_when_offers_come_change_and_go() {
    let mut dice = Dice(0x1234_5678);
    let mut index = MissionIndex::default();
    let mut present: Vec<Offer> = Vec::new();
    for round in 0..6000 {
        let grows = round % 3000 < 1800;
        match dice.below(4) {
            0 if !present.is_empty() => {
                // One that moves, or only changes.
                let n = dice.below(present.len() as u64) as usize;
                let spot = if dice.one_in(2) { anywhere(&mut dice) } else { present[n].at };
                let hourly_minor = if dice.one_in(2) { 9999 } else { present[n].hourly_minor };
                present[n] = Offer { at: spot, hourly_minor, slots_free: 7, ..present[n] };
                index.put(present[n]);
            }
            _ if grows || present.is_empty() => {
                present.push(offer(&mut dice));
                index.put(present[present.len() - 1]);
            }
            _ => {
                let gone = present.swap_remove(dice.below(present.len() as u64) as usize);
                assert!(index.remove(gone.id));
            }
        }
        if round % 500 == 0 {
            assert_sound(&index, &present);
        }
    }
    assert_sound(&index, &present);
    present.drain(..).for_each(|offer| assert!(index.remove(offer.id)));
    assert_sound(&index, &[]);
    assert!(index.is_empty() && index.answer(&Query::new(at(0.0, 0.0), GLOBE, 55)).offers.is_empty());
}

#[test]
fn a_replaced_offer_is_only_at_its_new_place() {
    let mut dice = Dice(77);
    let mut index = MissionIndex::build(offers(&mut dice, 100));
    let (here, there) = (at(10.0, 10.0), at(-30.0, 60.0));
    let near = |centre| Query { at: 55, ..Query::new(centre, Within::Circle { centre, metres: 10.0 }, 55) };
    let moved = Offer { at: here, ..offer(&mut dice) };
    index.put(moved);
    assert_eq!(index.answer(&near(here)).offers[0].offer, moved);
    index.put(Offer { at: there, ..moved });
    assert!(index.answer(&near(here)).offers.is_empty());
    assert_eq!(index.answer(&near(there)).offers[0].offer, Offer { at: there, ..moved });
    assert_eq!(index.len(), 101);
}

#[test]
fn the_date_line_and_the_poles_are_places_like_others() {
    let mut dice = Dice(5);
    let places = [at(0.0, 180.0), at(0.0, -180.0), at(0.0, 179.999), at(0.0, -179.998), at(90.0, 5.0), at(-90.0, 0.0)];
    let offers: Vec<Offer> = places.iter().map(|at| Offer { at: *at, ..offer(&mut dice) }).collect();
    let index = MissionIndex::build(offers.clone());
    let ids = |within, from| -> Vec<u128> {
        index.answer(&Query::new(from, within, 55)).offers.iter().map(|found| found.offer.id).collect()
    };
    let sorted = |numbers: &[usize]| {
        let mut ids: Vec<u128> = numbers.iter().map(|n| offers[*n].id).collect();
        ids.sort_unstable();
        ids
    };
    let near = ids(Within::Circle { centre: places[2], metres: 1000.0 }, places[2]);
    assert_eq!((near[0], near[3]), (offers[2].id, offers[3].id));
    assert_eq!(near[1..3], sorted(&[0, 1]), "one place with two names");
    let mut over = ids(Within::Area { south: -1.0, north: 1.0, west: 179.0, east: -179.0 }, places[3]);
    over.sort_unstable();
    assert_eq!(over, sorted(&[0, 1, 2, 3]));
    let mut up_to = ids(Within::Area { south: -1.0, north: 1.0, west: 179.0, east: 180.0 }, places[3]);
    up_to.sort_unstable();
    assert_eq!(up_to, sorted(&[0, 1, 2]));
    let north = at(89.999, -120.0);
    assert_eq!(ids(Within::Circle { centre: north, metres: 200.0 }, north), [offers[4].id]);
    assert_eq!(ids(Within::Area { south: 80.0, north: 90.0, west: -130.0, east: -120.0 }, north), [offers[4].id]);
    let globe = Within::Circle { centre: north, metres: 30_000_000.0 };
    assert_eq!(ids(globe, north).last(), Some(&offers[5].id));
}

#[test]
fn a_region_that_makes_no_sense_holds_nothing() {
    let centre = at(47.37, 8.54);
    let index = MissionIndex::build(offers(&mut Dice(3), 500));
    let nothing = [
        Within::Circle { centre, metres: -5000.0 },
        Within::Circle { centre, metres: f64::NAN },
        Within::Area { south: 50.0, north: 40.0, west: 0.0, east: 20.0 },
        Within::Area { south: -90.0, north: 90.0, west: f64::NAN, east: 20.0 },
    ];
    for (within, sort) in nothing.into_iter().flat_map(|within| SORTS.map(|sort| (within, sort))) {
        let query = Query { sort, ..Query::new(centre, within, 55) };
        assert!(all_pages(&index, query, || 20).is_empty(), "{within:?}");
    }
}

#[test]
fn any_number_of_missions_may_share_one_place() {
    let mut dice = Dice(42);
    let here = at(46.2, 6.15);
    let crowd: Vec<Offer> =
        (0..5000).map(|_| Offer { at: here, hourly_minor: 2000, ends_at: 90, ..offer(&mut dice) }).collect();
    let mut index = MissionIndex::default();
    crowd.iter().for_each(|offer| index.put(*offer));
    index.check();
    for sort in SORTS {
        let query = Query { sort, ..Query::new(here, Within::Circle { centre: here, metres: 1.0 }, 55) };
        let first = index.answer(&query);
        assert!(first.looked_at < 200, "{}", first.looked_at);
        let deep = index.answer(&Query { after: Some(Key::new(first.offers[0].key.sort, 1 << 127)), ..query });
        assert!(deep.offers.len() == 20 && deep.looked_at < 200, "{}", deep.looked_at);
        assert_same(&all_pages(&index, query, || 999), &all_answers(&crowd, &query), &query);
    }
    crowd.iter().for_each(|offer| assert!(index.remove(offer.id)));
    assert_sound(&index, &[]);
}

/// Spread over a few hundred kilometres, with campaigns of which `not` can leave few.
fn spread(dice: &mut Dice, count: usize) -> Vec<Offer> {
    let campaign = |dice: &mut Dice| dice.below(1000) as u32;
    let place = |dice: &mut Dice| at(dice.between(46.0, 47.5), dice.between(6.0, 10.0));
    (0..count).map(|_| Offer { campaign: campaign(dice), at: place(dice), ..offer(dice) }).collect()
}

#[test]
fn a_search_stops_early_and_goes_on_where_it_stopped() {
    let mut dice = Dice(99);
    let offers = spread(&mut dice, 12_000);
    let index = MissionIndex::build(offers.clone());
    let not = |offer: &Offer| offer.campaign > 9;
    let from = at(46.9, 7.5);
    let wide = Within::Circle { centre: from, metres: 100_000.0 };
    let narrow = Within::Circle { centre: from, metres: 20_000.0 };
    for (sort, within) in SORTS.into_iter().flat_map(|sort| [(sort, wide), (sort, narrow)]) {
        let query = Query { sort, not: Some(&not), ..Query::new(from, within, 55) };
        let expected = all_answers(&offers, &query);
        assert!(expected.len() > 1);
        let first = index.answer(&Query { limit: 1000, ..query });
        assert!(first.next.is_some() && first.looked_at <= LOOKED_MAX + 50 && first.offers.len() < expected.len());
        assert_same(&all_pages(&index, query, || 1000), &expected, &query);
        assert_same(&all_pages(&index, query, || 1), &expected, &query);
        let every = Query { not: None, ..query };
        assert_same(&all_pages(&index, every, || 1 + dice.below(50) as usize), &all_answers(&offers, &every), &every);
    }
}

#[test]
fn a_later_page_leaves_closed_what_comes_before_it() {
    let mut dice = Dice(98);
    let index = MissionIndex::build(spread(&mut dice, 12_000));
    let from = at(46.9, 7.5);
    for sort in SORTS {
        let query = Query { sort, ..Query::new(from, GLOBE, 55) };
        let found = all_pages(&index, query, || 500);
        for at in [1000, 3000, found.len() - 30] {
            let page = index.answer(&Query { after: Some(found[at].key), ..query });
            assert_eq!(page.offers, found[at + 1..at + 21]);
            assert!(page.looked_at < 10 * LOOKED_MAX, "{sort:?} {at}: {}", page.looked_at);
        }
    }
}

#[test]
fn a_deep_page_of_a_small_part_is_found_in_the_order_of_keys() {
    let mut dice = Dice(97);
    let mut offers = spread(&mut dice, 3000);
    let there = |dice: &mut Dice| at(dice.between(20.0, 20.1), dice.between(20.0, 20.1));
    offers.extend((0..20_000).map(|_| Offer { at: there(&mut dice), ..offer(&mut dice) }));
    let index = MissionIndex::build(offers.clone());
    let few = Within::Area { south: 45.0, north: 50.0, west: 0.0, east: 20.0 };
    for sort in [Sort::HourlyPay, Sort::Ending] {
        let query = Query { sort, ..Query::new(at(47.0, 8.0), few, 55) };
        let expected = all_answers(&offers, &query);
        assert_same(&all_pages(&index, query, || 200), &expected, &query);
    }
}

#[test]
fn an_offer_and_a_key_stay_small() {
    assert_eq!((size_of::<Offer>(), size_of::<Key>()), (96, 24));
    let key = Key::new(-7, u128::MAX - 5);
    assert_eq!(key.id(), u128::MAX - 5);
    assert!(key.before() < key && Key::new(3, 0).before() == Key::new(2, u128::MAX));
}
