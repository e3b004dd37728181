//! Open missions in memory, found by place, pay or end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::ops::{Bound, Range};

use super::summary::{Kept, Region, Search, Summary, ending_key, line, metres, pay_key};
use super::{Answer, Found, Key, Offer, Query, Sort, Within};

/// A page ends when about so many offers, and sides of forks, were looked at. Few in tests, which so get there sooner.
pub const LOOKED_MAX: usize = if cfg!(test) { 256 } else { 4096 };
/// So many may be looked at by place without getting past what is done with.
const STALLED_MAX: usize = 8 * LOOKED_MAX;
/// So many are looked at in the order of pay or end to see whether that is the shorter way: over a wide region it is.
const GLANCED_MAX: usize = LOOKED_MAX / 32;
const LEAF_MAX: usize = 24;
/// A fork that holds no more becomes a leaf: far below [`LEAF_MAX`], so that it is not split again at once.
const JOIN_MAX: u32 = 12;

/// Open missions by place. Every server process keeps one, and answers from it alone.
///
/// A binary tree over the bits of the place and then of the id: its form follows from the offers in it and needs no
/// balancing, and missions at one place are parted by their ids. Each node knows what its offers have at least and at
/// most, and a search opens the node with the lowest possible key first (Hjaltason and Samet, 1999), so it opens little
/// more than it shows.
#[derive(Debug)]
pub struct MissionIndex {
    kept: Vec<Kept>,
    kept_free: Vec<u32>,
    places: HashMap<u128, u32>,
    /// The root is the first.
    nodes: Vec<Node>,
    nodes_free: Vec<u32>,
    // For wide regions: there nearly every leaf holds some of the first offers by pay or by end.
    by_pay: BTreeMap<Key, u32>,
    by_ending: BTreeMap<Key, u32>,
}

#[derive(Debug)]
struct Node {
    all: Summary,
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Places in `kept`.
    Leaf(Vec<u32>),
    /// Below, every path is the same up to `bit`, and there decides the side.
    Fork { path: Path, bit: u32, sides: [u32; 2] },
}

const ROOT: u32 = 0;

/// What leads to an offer: the 64 bits of its cell, then the 128 of its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Path {
    cell: u64,
    id: u128,
}

impl Path {
    fn of(kept: &Kept) -> Path {
        Path { cell: kept.cell, id: kept.offer.id }
    }

    fn side(self, bit: u32) -> usize {
        match bit.checked_sub(u64::BITS) {
            None => (self.cell >> (u64::BITS - 1 - bit) & 1) as usize,
            Some(bit) => (self.id >> (u128::BITS - 1 - bit) & 1) as usize,
        }
    }

    /// The first bit that differs.
    fn parts_from(self, other: Path) -> u32 {
        match self.cell ^ other.cell {
            0 => u64::BITS + (self.id ^ other.id).leading_zeros(),
            bits => bits.leading_zeros(),
        }
    }
}

impl Default for MissionIndex {
    fn default() -> MissionIndex {
        MissionIndex {
            kept: Vec::new(),
            kept_free: Vec::new(),
            places: HashMap::new(),
            nodes: vec![Node::empty()],
            nodes_free: Vec::new(),
            by_pay: BTreeMap::new(),
            by_ending: BTreeMap::new(),
        }
    }
}

impl Node {
    fn empty() -> Node {
        Node { all: Summary::EMPTY, form: Form::Leaf(Vec::new()) }
    }
}

impl MissionIndex {
    /// All at once, much faster than one by one. Of several with one id the last counts.
    pub fn build(mut offers: Vec<Offer>) -> MissionIndex {
        offers.sort_by_key(|offer| offer.id);
        offers.dedup_by(|later, kept| {
            let same = later.id == kept.id;
            if same {
                *kept = *later;
            }
            same
        });
        let mut kept: Vec<Kept> = offers.into_iter().map(Kept::of).collect();
        kept.sort_unstable_by_key(Path::of);
        let listed = || (0_u32..).zip(&kept);
        let mut index = MissionIndex {
            places: listed().map(|(slot, kept)| (kept.offer.id, slot)).collect(),
            by_pay: listed().map(|(slot, kept)| (pay_key(&kept.offer), slot)).collect(),
            by_ending: listed().map(|(slot, kept)| (ending_key(&kept.offer), slot)).collect(),
            kept,
            ..MissionIndex::default()
        };
        index.raise(ROOT, 0..index.kept.len());
        index
    }

    /// Makes a node of offers that lie in the order of their paths.
    fn raise(&mut self, node: u32, slots: Range<usize>) {
        let kept = &self.kept[slots.clone()];
        if kept.len() <= LEAF_MAX {
            return self.set_leaf(node, slots.map(|slot| slot as u32).collect());
        }
        let path = Path::of(&kept[0]);
        let bit = path.parts_from(Path::of(&kept[kept.len() - 1]));
        let middle = slots.start + kept.partition_point(|kept| Path::of(kept).side(bit) == 0);
        let sides = [self.new_node(Node::empty()), self.new_node(Node::empty())];
        self.raise(sides[0], slots.start..middle);
        self.raise(sides[1], middle..slots.end);
        self.set_fork(node, path, bit, sides);
    }

    fn new_node(&mut self, node: Node) -> u32 {
        match self.nodes_free.pop() {
            Some(free) => {
                self.nodes[free as usize] = node;
                free
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        }
    }

    fn take_node(&mut self, node: u32) -> Node {
        self.nodes_free.push(node);
        std::mem::replace(&mut self.nodes[node as usize], Node::empty())
    }

    fn set_leaf(&mut self, node: u32, slots: Vec<u32>) {
        let mut all = Summary::EMPTY;
        slots.iter().for_each(|slot| all.add(&Summary::of(&self.kept[*slot as usize])));
        self.nodes[node as usize] = Node { all, form: Form::Leaf(slots) };
    }

    fn set_fork(&mut self, node: u32, path: Path, bit: u32, sides: [u32; 2]) {
        let mut all = self.nodes[sides[0] as usize].all.clone();
        all.add(&self.nodes[sides[1] as usize].all);
        self.nodes[node as usize] = Node { all, form: Form::Fork { path, bit, sides } };
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub fn get(&self, id: u128) -> Option<&Offer> {
        self.places.get(&id).map(|slot| &self.kept[*slot as usize].offer)
    }

    /// Adds an offer, or replaces the one with its id.
    pub fn put(&mut self, offer: Offer) {
        let new = Kept::of(offer);
        if let Some(slot) = self.places.get(&offer.id) {
            let old = &mut self.kept[*slot as usize];
            // Mostly a slot was taken or given back, and no node has to know.
            if Summary::of(old) == Summary::of(&new) {
                *old = new;
                return;
            }
            self.remove(offer.id);
        }
        let slot = match self.kept_free.pop() {
            Some(free) => {
                self.kept[free as usize] = new;
                free
            }
            None => {
                self.kept.push(new);
                (self.kept.len() - 1) as u32
            }
        };
        self.places.insert(offer.id, slot);
        self.by_pay.insert(pay_key(&offer), slot);
        self.by_ending.insert(ending_key(&offer), slot);
        self.link(slot);
    }

    fn link(&mut self, slot: u32) {
        let kept = &self.kept[slot as usize];
        let (path, one) = (Path::of(kept), Summary::of(kept));
        let mut at = ROOT;
        loop {
            let node = &mut self.nodes[at as usize];
            match &mut node.form {
                Form::Fork { path: below, bit, .. } if path.parts_from(*below) < *bit => {
                    let bit = path.parts_from(*below);
                    let node = std::mem::replace(node, Node::empty());
                    let (old, new) = (self.new_node(node), self.new_node(Node::empty()));
                    self.set_leaf(new, vec![slot]);
                    let sides = if path.side(bit) == 0 { [new, old] } else { [old, new] };
                    return self.set_fork(at, path, bit, sides);
                }
                Form::Fork { bit, sides, .. } => {
                    node.all.add(&one);
                    at = sides[path.side(*bit)];
                }
                Form::Leaf(slots) => {
                    node.all.add(&one);
                    slots.push(slot);
                    if slots.len() > LEAF_MAX {
                        self.split(at);
                    }
                    return;
                }
            }
        }
    }

    fn split(&mut self, node: u32) {
        let Form::Leaf(slots) = &self.nodes[node as usize].form else { return };
        let path = |slot: &u32| Path::of(&self.kept[*slot as usize]);
        let (Some(low), Some(high)) = (slots.iter().map(path).min(), slots.iter().map(path).max()) else { return };
        let bit = low.parts_from(high);
        let (right, left): (Vec<u32>, Vec<u32>) = slots.iter().partition(|slot| path(slot).side(bit) == 1);
        let sides = [self.new_node(Node::empty()), self.new_node(Node::empty())];
        self.set_leaf(sides[0], left);
        self.set_leaf(sides[1], right);
        self.set_fork(node, low, bit, sides);
    }

    /// False when there is no such offer.
    pub fn remove(&mut self, id: u128) -> bool {
        let Some(slot) = self.places.remove(&id) else { return false };
        let kept = self.kept[slot as usize];
        self.by_pay.remove(&pay_key(&kept.offer));
        self.by_ending.remove(&ending_key(&kept.offer));
        self.unlink(ROOT, slot, Path::of(&kept));
        self.kept_free.push(slot);
        true
    }

    /// Goes down at most 192 nodes, one for each bit of a path.
    fn unlink(&mut self, node: u32, slot: u32, path: Path) {
        match &mut self.nodes[node as usize].form {
            Form::Leaf(slots) => {
                let mut slots = std::mem::take(slots);
                slots.retain(|other| *other != slot);
                self.set_leaf(node, slots);
            }
            Form::Fork { path: below, bit, sides } => {
                let (below, bit, sides) = (*below, *bit, *sides);
                let side = path.side(bit);
                self.unlink(sides[side], slot, path);
                let [left, right] = sides.map(|side| self.nodes[side as usize].all.count);
                if left == 0 || right == 0 {
                    self.take_node(sides[side]);
                    self.nodes[node as usize] = self.take_node(sides[1 - side]);
                } else if left + right <= JOIN_MAX {
                    let mut slots = Vec::with_capacity(LEAF_MAX + 1);
                    sides.iter().for_each(|side| self.gather(*side, &mut slots));
                    self.set_leaf(node, slots);
                } else {
                    self.set_fork(node, below, bit, sides);
                }
            }
        }
    }

    /// Takes a node apart.
    fn gather(&mut self, node: u32, into: &mut Vec<u32>) {
        match self.take_node(node).form {
            Form::Leaf(slots) => into.extend(slots),
            Form::Fork { sides, .. } => sides.iter().for_each(|side| self.gather(*side, into)),
        }
    }

    /// Calls `f` with every offer within, in no order.
    pub fn visit_within(&self, within: Within, f: &mut dyn FnMut(&Offer)) {
        let region = Region::of(within);
        let mut closed = vec![ROOT];
        while let Some(node) = closed.pop() {
            let Node { all, form } = &self.nodes[node as usize];
            if all.count == 0 || !region.may_hold(all) {
                continue;
            }
            match form {
                Form::Fork { sides, .. } => closed.extend(sides),
                Form::Leaf(slots) => {
                    let kept = slots.iter().map(|slot| &self.kept[*slot as usize]);
                    kept.filter(|kept| region.holds(kept)).for_each(|kept| f(&kept.offer));
                }
            }
        }
    }

    /// One page of an answer.
    ///
    /// Looks at little more than it shows, or at [`LOOKED_MAX`] offers where filters drop most. A later page looks again
    /// at leaves that it shares with earlier ones: by pay and by end at some ten times [`LOOKED_MAX`] offers at most, by
    /// distance at what lies about the circle where the page begins.
    pub fn answer(&self, query: &Query) -> Answer {
        let mut page = Page::of(query);
        let order = match query.sort {
            Sort::Nearest => None,
            Sort::HourlyPay => Some(&self.by_pay),
            Sort::Ending => Some(&self.by_ending),
        };
        let stop = match order {
            None => self.search_by_place(usize::MAX, &mut page),
            Some(order) => self
                .search_in_order(order, GLANCED_MAX, &mut page)
                .or_else(|Stalled| self.search_by_place(STALLED_MAX, &mut page))
                .or_else(|Stalled| self.search_in_order(order, usize::MAX, &mut page)),
        };
        match stop {
            Ok(Stop::Ended) => page.ended(),
            Ok(Stop::Early) | Err(Stalled) => page.stopped(),
        }
    }

    /// Opens nodes from the lowest key on. Gives up after looking at `patience` offers without getting past those done.
    fn search_by_place(&self, patience: usize, page: &mut Page) -> Result<Stop, Stalled> {
        let search = &page.search;
        // One more than there is room for tells whether there is a next page.
        let mut best = Best { offers: BinaryHeap::new(), most: page.room().saturating_add(1) };
        let mut closed =
            BinaryHeap::from_iter(search.first_key(&self.nodes[ROOT as usize].all).map(|key| Reverse((key, ROOT))));
        let (mut forks, mut stalled) = (0, 0);
        let mut stopped = None;
        while let Some(Reverse((key, node))) = closed.pop() {
            if !best.takes(key) {
                break;
            }
            let spent = page.looked_at + 2 * forks;
            // Whatever comes before this node was looked at.
            let done = key.before();
            if !search.is_due(done) {
                stalled = spent;
            }
            if spent >= stalled + LOOKED_MAX {
                stopped = Some(done);
                break;
            }
            if stalled >= patience {
                return Err(Stalled);
            }
            match &self.nodes[node as usize].form {
                Form::Fork { sides, .. } => {
                    forks += 1;
                    for side in sides {
                        let first = search.first_key(&self.nodes[*side as usize].all);
                        closed.extend(first.filter(|key| best.takes(*key)).map(|key| Reverse((key, *side))));
                    }
                }
                Form::Leaf(slots) => {
                    page.looked_at += slots.len();
                    for slot in slots {
                        let kept = &self.kept[*slot as usize];
                        let key = search.key(kept);
                        if search.is_due(key) && best.takes(key) && search.takes(kept) {
                            best.add(key, *slot);
                        }
                    }
                }
            }
        }
        for (key, slot) in best.offers.into_sorted_vec() {
            if stopped.is_some_and(|done| key > done) {
                break;
            }
            if page.is_full_with(key, &self.kept[slot as usize]) {
                return Ok(Stop::Ended);
            }
        }
        page.search.after = stopped.or(page.search.after);
        Ok(if stopped.is_some() { Stop::Early } else { Stop::Ended })
    }

    /// Looks at offers in the order of their keys, wherever they lie. Gives up after `patience` offers when few of them
    /// lie within.
    fn search_in_order(&self, order: &BTreeMap<Key, u32>, patience: usize, page: &mut Page) -> Result<Stop, Stalled> {
        let begin = page.search.after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut within = 0;
        for (n, (key, slot)) in order.range((begin, Bound::Unbounded)).enumerate() {
            if n == patience && within < patience.div_ceil(16) {
                return Err(Stalled);
            }
            if n == LOOKED_MAX {
                return Ok(Stop::Early);
            }
            let kept = &self.kept[*slot as usize];
            page.looked_at += 1;
            if page.search.region.holds(kept) {
                within += 1;
                if page.search.query.takes(&kept.offer) && page.is_full_with(*key, kept) {
                    return Ok(Stop::Ended);
                }
            }
            page.search.after = Some(*key);
        }
        Ok(Stop::Ended)
    }
}

/// How a search ended.
enum Stop {
    /// The page is full or there is no more.
    Ended,
    /// It looked at so many that the rest is left to the next page.
    Early,
}

/// It looked at too many for what it found: another way may be shorter.
struct Stalled;

/// The first of the offers seen so far.
struct Best {
    offers: BinaryHeap<(Key, u32)>,
    most: usize,
}

impl Best {
    fn takes(&self, key: Key) -> bool {
        self.offers.len() < self.most || self.offers.peek().is_some_and(|(last, _)| key < *last)
    }

    fn add(&mut self, key: Key, slot: u32) {
        self.offers.push((key, slot));
        if self.offers.len() > self.most {
            self.offers.pop();
        }
    }
}

/// An answer in the making.
struct Page<'a> {
    search: Search<'a>,
    offers: Vec<Found>,
    has_more: bool,
    looked_at: usize,
}

impl<'a> Page<'a> {
    fn of(query: &'a Query<'a>) -> Page<'a> {
        Page { search: Search::of(query), offers: Vec::new(), has_more: false, looked_at: 0 }
    }

    fn room(&self) -> usize {
        self.search.query.limit.max(1).saturating_sub(self.offers.len())
    }

    /// Adds the offer; true, and nothing added, when the page was full already.
    fn is_full_with(&mut self, key: Key, kept: &Kept) -> bool {
        self.has_more = self.room() == 0;
        if !self.has_more {
            let metres = metres(line(self.search.from, kept.spot));
            self.offers.push(Found { key, metres, offer: kept.offer });
        }
        self.has_more
    }

    fn stopped(self) -> Answer {
        Answer { offers: self.offers, next: self.search.after, looked_at: self.looked_at }
    }

    fn ended(self) -> Answer {
        let last = self.offers.last().map(|found| found.key);
        Answer { next: last.filter(|_| self.has_more), offers: self.offers, looked_at: self.looked_at }
    }
}

#[cfg(test)]
impl MissionIndex {
    /// Compares all that is derived with what the offers say.
    pub fn check(&self) {
        let slots = self.check_node(ROOT);
        assert_eq!(slots.len(), self.len());
        assert_eq!(self.nodes.len() - self.nodes_free.len(), self.count_nodes(ROOT));
        assert_eq!(self.kept.len() - self.kept_free.len(), self.len());
        for slot in slots {
            let offer = &self.kept[slot as usize].offer;
            assert_eq!(self.places.get(&offer.id), Some(&slot));
            assert_eq!(self.by_pay.get(&pay_key(offer)), Some(&slot));
            assert_eq!(self.by_ending.get(&ending_key(offer)), Some(&slot));
        }
        assert_eq!((self.by_pay.len(), self.by_ending.len()), (self.len(), self.len()));
    }

    fn count_nodes(&self, node: u32) -> usize {
        match &self.nodes[node as usize].form {
            Form::Leaf(_) => 1,
            Form::Fork { sides, .. } => 1 + sides.iter().map(|side| self.count_nodes(*side)).sum::<usize>(),
        }
    }

    fn check_node(&self, node: u32) -> Vec<u32> {
        let Node { all, form } = &self.nodes[node as usize];
        let slots = match form {
            Form::Leaf(slots) => {
                assert!(slots.len() <= LEAF_MAX && (node == ROOT || !slots.is_empty()));
                slots.clone()
            }
            Form::Fork { path, bit, sides } => {
                let parts = sides.map(|side| self.check_node(side));
                for (n, part) in parts.iter().enumerate() {
                    let paths = part.iter().map(|slot| Path::of(&self.kept[*slot as usize]));
                    paths.for_each(|other| assert!(other.side(*bit) == n && path.parts_from(other) >= *bit));
                }
                parts.concat()
            }
        };
        let mut found = Summary::EMPTY;
        slots.iter().for_each(|slot| found.add(&Summary::of(&self.kept[*slot as usize])));
        assert_eq!(found, *all);
        slots
    }
}
