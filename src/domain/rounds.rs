//! Rounds: walks that chain missions within a time budget, each store visited while it is open.
//!
//! The problem is orienteering with time windows, which has no fast exact answer. A round is built by inserting the
//! stop that pays most for each extra second, then again and again a part of it is taken out and filled anew. The work
//! is counted in steps, never in time, and chance comes from a fixed seed: one question always gets one answer.

use super::place::Point;

/// Rounds that are proposed at most.
pub const ROUNDS_MAX: usize = 5;
/// Candidates that are looked at; of more, those that pay most for the way there and the work.
pub const CANDIDATES_MAX: usize = 300;
/// Stops that a round has at most.
pub const STOPS_MAX: usize = 60;
/// No round is longer, in seconds: one day.
pub const BUDGET_MAX_SECS: i64 = 86_400;

/// A mission that could be visited.
#[derive(Clone, PartialEq, Debug)]
pub struct Stop {
    /// Told back in [`Call::id`].
    pub id: usize,
    pub at: Point,
    /// Minor units. A stop that pays nothing is never proposed.
    pub pay_minor: i64,
    /// Seconds in the store, reading and work.
    pub on_site_secs: i64,
    /// When work may go on, in seconds from the start of the round: sorted and disjoint. Work starts and ends in one
    /// of them; windows that touch are two. None: never.
    pub windows: Vec<(i64, i64)>,
}

/// What the worker wants.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Asked {
    pub from: Point,
    /// Seconds from leaving `from` until the last work is done or, with `back`, until being there again.
    pub budget_secs: i64,
    pub metres_per_sec: f64,
    /// Ways are this many times as long as the straight line.
    pub detour: f64,
    pub back: bool,
    /// Rounds to propose, up to [`ROUNDS_MAX`].
    pub rounds: usize,
    /// Stops in one round, up to [`STOPS_MAX`].
    pub stops_max: usize,
}

/// One stop of a round; seconds from the start of the round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call {
    pub id: usize,
    pub arrive_secs: i64,
    /// Later than the arrival where the store is still shut.
    pub start_secs: i64,
    pub leave_secs: i64,
}

/// A walk through at least one stop.
#[derive(Clone, PartialEq, Debug)]
pub struct Round {
    pub stops: Vec<Call>,
    pub pay_minor: i64,
    /// All of it: ways, waiting, work, and the way back where asked.
    pub secs: i64,
    /// Walked, with detour.
    pub metres: f64,
    pub waiting_secs: i64,
}

impl Round {
    /// Minor units for each hour of the round, rounded down.
    pub fn hourly_minor(&self) -> i64 {
        let hourly = i128::from(self.pay_minor) * 3600 / i128::from(self.secs.max(1));
        i64::try_from(hourly).unwrap_or(i64::MAX)
    }
}

/// Work for the best paid round, for each candidate and at most; a step is one stop tried at one place of a walk, which
/// takes three nanoseconds.
const STEPS_EACH: usize = 40_000;
const STEPS_MAX: usize = 3_000_000;
/// Each further round gets this part of that work.
const NEXT_PART: usize = 8;
/// Walks begun by chance before the best of them is worked on.
const BEGINNINGS: usize = 10;
/// How far chance bends the worth of a stop, up and down.
const NOISE: f64 = 0.4;
/// How much worse a walk may be to replace the current one, in parts of what its stops pay each; falls to zero.
const SLACK: f64 = 0.6;

/// Proposes up to `asked.rounds` rounds, the best paid first, then the shorter one. Any two differ in at least a third
/// of the stops of the shorter one, and none earns less than half of what the first one does in an hour. Empty where
/// nothing can be reached, paid and left in time, or the question makes no sense.
pub fn propose(stops: &[Stop], asked: &Asked) -> Vec<Round> {
    let Some(field) = Field::of(stops, asked) else { return Vec::new() };
    let steps = STEPS_MAX.min(STEPS_EACH * field.sites.len());
    let mut found: Vec<Walk> = Vec::new();
    for aim in AIMS {
        if found.len() == asked.rounds.min(ROUNDS_MAX) {
            break;
        }
        let mut weights: Vec<f64> = field.sites.iter().map(|site| site.pay as f64).collect();
        for (site, weight) in weights.iter_mut().enumerate() {
            if found.iter().any(|walk| walk.stops().contains(&site)) {
                *weight *= aim.again;
            }
        }
        let first_rate = found.first().map_or(0.0, |first| field.rate(first));
        let goal = Goal {
            budget: field.budget / aim.part,
            price: if aim.dear { first_rate } else { 0.0 },
            weights,
            steps: if found.is_empty() { steps } else { steps / NEXT_PART },
        };
        let least = if aim.dear { first_rate } else { first_rate / 2.0 };
        match field.search(&goal, &found) {
            Some(walk) if field.rate(&walk) >= least => found.push(walk),
            None if found.is_empty() => break,
            _ => {}
        }
    }
    found.sort_by(|a, b| field.pay(b).cmp(&field.pay(a)).then(a.secs.cmp(&b.secs)).then(a.order.cmp(&b.order)));
    // A later one may have become the best paid.
    let least = found.first().map_or(0.0, |first| field.rate(first) / 2.0);
    found.retain(|walk| field.rate(walk) >= least);
    found.iter().map(|walk| field.told(walk, stops, asked)).collect()
}

/// What one of the rounds is to be good at.
struct Aim {
    /// One part in so many of the budget.
    part: i64,
    /// Share of its pay that a stop counts for when it is in another round already.
    again: f64,
    /// Each second costs what the first round earns in it, so that only a better hour gains.
    dear: bool,
}

const AIMS: &[Aim] = &[
    Aim { part: 1, again: 1.0, dear: false },
    Aim { part: 1, again: 1.0, dear: true },
    Aim { part: 1, again: 0.0, dear: false },
    Aim { part: 2, again: 0.5, dear: false },
    Aim { part: 1, again: 0.0, dear: false },
    Aim { part: 4, again: 0.5, dear: false },
    Aim { part: 2, again: 0.0, dear: false },
];

struct Goal {
    budget: i64,
    price: f64,
    weights: Vec<f64>,
    steps: usize,
}

/// A stop that can be reached.
struct Site {
    /// Place among the stops that were given.
    place: usize,
    pay: i64,
    on_site: i64,
    /// First and last second in which work may start, for each window.
    starts: Vec<(i64, i64)>,
}

impl Site {
    fn start_from(&self, arrive: i64) -> Option<i64> {
        self.starts.iter().find(|(_, last)| *last >= arrive).map(|(first, _)| arrive.max(*first))
    }

    fn start_until(&self, latest: i64) -> Option<i64> {
        self.starts.iter().rev().find(|(first, _)| *first <= latest).map(|(_, last)| latest.min(*last))
    }
}

/// All sites with the ways between them. Sites count from zero; behind them come the start and the end.
struct Field {
    sites: Vec<Site>,
    /// Seconds from a row's site or the start to a column's site, the start or the end.
    travel: Vec<i32>,
    budget: i64,
    stops_max: usize,
}

/// From the start over some sites to the end.
#[derive(Clone)]
struct Walk {
    order: Vec<usize>,
    arrive: Vec<i64>,
    /// When each place can be left; at the end, the arrival.
    leave: Vec<i64>,
    /// The latest arrival that still leaves all later work possible.
    latest: Vec<i64>,
    secs: i64,
    travel: i64,
    score: f64,
}

impl Walk {
    fn stops(&self) -> &[usize] {
        let last = self.order.len().saturating_sub(1);
        self.order.get(1..last).unwrap_or_default()
    }
}

impl Field {
    fn of(stops: &[Stop], asked: &Asked) -> Option<Field> {
        let budget = asked.budget_secs.min(BUDGET_MAX_SECS);
        let secs_a_metre = asked.detour / asked.metres_per_sec;
        let can_move = asked.metres_per_sec > 0.0 && asked.detour >= 0.0 && secs_a_metre.is_finite();
        if budget <= 0 || !can_move {
            return None;
        }
        // Rounded up, so that a way over a third place is never the shorter one.
        let secs = |a: Point, b: Point| ((a.metres_to(b) * secs_a_metre).ceil() as i64).min(2 * BUDGET_MAX_SECS);
        let mut near: Vec<(f64, Site)> = Vec::new();
        for (place, stop) in stops.iter().enumerate() {
            if stop.pay_minor <= 0 || !(0..=budget).contains(&stop.on_site_secs) {
                continue;
            }
            let way = secs(asked.from, stop.at);
            let leave_by = budget - if asked.back { way } else { 0 };
            let starts: Vec<(i64, i64)> = stop
                .windows
                .iter()
                .map(|(open, shut)| ((*open).max(way), (*shut).min(leave_by).saturating_sub(stop.on_site_secs)))
                .filter(|(first, last)| first <= last)
                .collect();
            if !starts.is_empty() {
                let value = stop.pay_minor as f64 / (way + stop.on_site_secs + 1) as f64;
                near.push((value, Site { place, pay: stop.pay_minor, on_site: stop.on_site_secs, starts }));
            }
        }
        if near.len() > CANDIDATES_MAX {
            near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.place.cmp(&b.1.place)));
            near.truncate(CANDIDATES_MAX);
        }
        let sites: Vec<Site> = near.into_iter().map(|(_, site)| site).collect();
        if sites.is_empty() {
            return None;
        }
        let places: Vec<Point> = sites.iter().map(|site| stops[site.place].at).chain([asked.from]).collect();
        let (start, columns) = (sites.len(), sites.len() + 2);
        let mut travel = vec![0; places.len() * columns];
        for a in 0..places.len() {
            for b in 0..a {
                let way = secs(places[a], places[b]) as i32;
                travel[a * columns + b] = way;
                travel[b * columns + a] = way;
            }
        }
        if asked.back {
            for site in 0..start {
                travel[site * columns + start + 1] = travel[site * columns + start];
            }
        }
        Some(Field { sites, travel, budget, stops_max: asked.stops_max.min(STOPS_MAX) })
    }

    fn way(&self, from: usize, to: usize) -> i64 {
        i64::from(self.travel[from * (self.sites.len() + 2) + to])
    }

    fn pay(&self, walk: &Walk) -> i64 {
        walk.stops().iter().fold(0, |sum, site| sum.saturating_add(self.sites[*site].pay))
    }

    /// Minor units a second.
    fn rate(&self, walk: &Walk) -> f64 {
        self.pay(walk) as f64 / walk.secs.max(1) as f64
    }

    /// `None` where some work cannot be done in time.
    fn walk(&self, order: Vec<usize>, goal: &Goal) -> Option<Walk> {
        let len = order.len();
        let (mut arrive, mut leave, mut latest) = (vec![0; len], vec![0; len], vec![goal.budget; len]);
        let (mut travel, mut weight) = (0, 0.0);
        for at in 1..len {
            let way = self.way(order[at - 1], order[at]);
            travel += way;
            arrive[at] = leave[at - 1] + way;
            leave[at] = arrive[at];
            if at + 1 < len {
                let site = &self.sites[order[at]];
                leave[at] = site.start_from(arrive[at])? + site.on_site;
                weight += goal.weights[order[at]];
            }
        }
        let secs = leave[len - 1];
        if secs > goal.budget {
            return None;
        }
        for at in (1..len - 1).rev() {
            let site = &self.sites[order[at]];
            let start_by = latest[at + 1] - self.way(order[at], order[at + 1]) - site.on_site;
            latest[at] = site.start_until(start_by)?;
        }
        let score = weight - goal.price * secs as f64;
        Some(Walk { order, arrive, leave, latest, secs, travel, score })
    }

    /// Seconds by which `site` before the place `at` delays the walk. `None` where it does not fit.
    fn delay(&self, walk: &Walk, site: usize, at: usize) -> Option<i64> {
        let arrive = walk.leave[at - 1] + self.way(site, walk.order[at - 1]);
        let after = self.sites[site].on_site + self.way(site, walk.order[at]);
        let reach = self.sites[site].start_from(arrive)? + after;
        (reach <= walk.latest[at]).then(|| reach - walk.arrive[at])
    }

    /// The least delay by `site`, and the place for it.
    fn place(&self, walk: &Walk, site: usize) -> Option<(i64, usize)> {
        let Site { on_site, .. } = self.sites[site];
        let ways = &self.travel[site * (self.sites.len() + 2)..][..self.sites.len() + 2];
        let mut best = None;
        let mut to_next = ways[walk.order[0]];
        for at in 1..walk.order.len() {
            let to_last = to_next;
            to_next = ways[walk.order[at]];
            // Most do not fit even without waiting, and this is the innermost loop.
            if walk.leave[at - 1] + i64::from(to_last) + on_site + i64::from(to_next) > walk.latest[at] {
                continue;
            }
            let here = self.delay(walk, site, at).map(|delay| (delay, at));
            best = if best.is_none() { here } else { best.min(here.or(best)) };
        }
        best
    }

    /// Inserts what gains most for each second of delay until nothing fits. `taste` bends the choice; `steep` values
    /// pay over time.
    fn fill(&self, mut walk: Walk, goal: &Goal, steep: bool, taste: &[f64], steps: &mut usize) -> Walk {
        let mut wanted: Vec<bool> = goal.weights.iter().map(|weight| *weight > 0.0).collect();
        for &site in walk.stops() {
            wanted[site] = false;
        }
        let mut open: Vec<(usize, i64, usize)> = Vec::with_capacity(wanted.len());
        for site in (0..wanted.len()).filter(|site| wanted[*site]) {
            open.extend(self.place(&walk, site).map(|(delay, at)| (site, delay, at)));
        }
        *steps += wanted.len() * (walk.order.len() + 2);
        while walk.stops().len() < self.stops_max {
            let mut best: Option<(f64, usize, usize)> = None;
            // The way to the first stop pays off with those that follow.
            let price = if walk.stops().is_empty() { 0.0 } else { goal.price };
            for &(site, delay, at) in &open {
                let gain = goal.weights[site] - price * delay as f64;
                let worth = taste[site] * gain * if steep { gain } else { 1.0 } / delay.max(1) as f64;
                if gain > 0.0 && best.is_none_or(|(most, _, _)| worth > most) {
                    best = Some((worth, site, at));
                }
            }
            let Some((_, site, new)) = best else { break };
            let mut order = walk.order.clone();
            order.insert(new, site);
            let Some(longer) = self.walk(order, goal) else { break };
            walk = longer;
            // What does not fit now fits no later. For the rest only the two new places can be better.
            open.retain_mut(|(other, delay, at)| {
                if *other == site {
                    return false;
                }
                *steps += 4;
                let old = if *at < new { *at } else { *at + 1 };
                let near = [old, new, new + 1].into_iter().filter_map(|at| Some((self.delay(&walk, *other, at)?, at)));
                let mut place = near.min();
                if *at == new || place.is_none() {
                    *steps += walk.order.len();
                    place = self.place(&walk, *other);
                }
                place.map(|place| (*delay, *at) = place).is_some()
            });
        }
        walk
    }

    /// Shortens the ways: turns a part round, or swaps two adjoining parts, as long as that ends no later.
    fn tidy(&self, walk: &mut Walk, goal: &Goal, steps: &mut usize) {
        while *steps < goal.steps
            && let Some(better) = self.tidier(walk, goal, steps)
        {
            *walk = better;
        }
    }

    fn tidier(&self, walk: &Walk, goal: &Goal, steps: &mut usize) -> Option<Walk> {
        let order = &walk.order;
        let end = order.len() - 1;
        let way = |a: usize, b: usize| self.way(order[a], order[b]);
        let judge =
            |order: Vec<usize>| self.walk(order, goal).filter(|w| w.secs <= walk.secs && w.travel < walk.travel);
        for a in 1..end {
            for b in a + 1..=end {
                *steps += 1;
                // a..b turned round
                if way(a - 1, b - 1) + way(a, b) < way(a - 1, a) + way(b - 1, b) {
                    let mut turned = order.clone();
                    turned[a..b].reverse();
                    *steps += order.len();
                    if let Some(better) = judge(turned) {
                        return Some(better);
                    }
                }
                for c in b + 1..=end {
                    if b - a > 3 && c - b > 3 {
                        continue;
                    }
                    *steps += 1;
                    // a..b and b..c swapped
                    if way(a - 1, b) + way(c - 1, a) + way(b - 1, c) < way(a - 1, a) + way(b - 1, b) + way(c - 1, c) {
                        let mut swapped = order.clone();
                        swapped[a..c].rotate_left(b - a);
                        *steps += order.len();
                        if let Some(better) = judge(swapped) {
                            return Some(better);
                        }
                    }
                }
            }
        }
        None
    }

    /// The best walk for `goal` that is apart from those `found` before.
    fn search(&self, goal: &Goal, found: &[Walk]) -> Option<Walk> {
        let count = self.sites.len();
        let empty = self.walk(vec![count, count + 1], goal)?;
        let (mut steps, mut chance, mut taste) = (0, Chance(0x9E37_79B9_7F4A_7C15), vec![1.0; count]);
        let mut best: Option<Walk> = None;
        let mut current = empty.clone();
        for beginning in 0..BEGINNINGS {
            if steps > goal.steps {
                break;
            }
            let mut walk = self.fill(empty.clone(), goal, beginning % 2 == 0, &taste, &mut steps);
            self.tidy(&mut walk, goal, &mut steps);
            keep(&mut best, &walk, found);
            if is_better(&walk, &current) {
                current = walk;
            }
            taste.fill_with(|| chance.part());
        }
        while steps < goal.steps && !current.stops().is_empty() {
            steps += 4 * count + 10 * current.order.len();
            taste.fill_with(|| 1.0 + NOISE * (2.0 * chance.part() - 1.0));
            let mut order = current.order.clone();
            self.ruin(&mut order, &mut taste, &mut chance);
            let Some(rest) = self.walk(order, goal) else { continue };
            let mut next = self.fill(rest, goal, chance.below(2) == 0, &taste, &mut steps);
            let left = 1.0 - (steps as f64 / goal.steps as f64).min(1.0);
            // Boltzmann's rule: a little worse often, much worse seldom.
            let lenience = -(1.0 - chance.part()).ln();
            let each = (current.score + goal.price * current.secs as f64) / current.stops().len() as f64;
            if next.score >= current.score - SLACK * left * lenience * each {
                self.tidy(&mut next, goal, &mut steps);
                keep(&mut best, &next, found);
                current = next;
            }
        }
        best
    }

    /// Takes out a run of stops, some here and there, or those about one candidate, which is then sure to come in.
    fn ruin(&self, order: &mut Vec<usize>, taste: &mut [f64], chance: &mut Chance) {
        let stops = order.len() - 2;
        let most = if chance.below(2) == 0 { stops } else { (stops / 3).max(2).min(stops) };
        let many = 1 + chance.below(most);
        match chance.below(3) {
            0 => {
                let from = 1 + chance.below(stops + 1 - many);
                order.drain(from..from + many);
            }
            1 => {
                for _ in 0..many {
                    order.remove(1 + chance.below(order.len() - 2));
                }
            }
            _ => {
                let centre = chance.below(self.sites.len());
                let mut near: Vec<usize> = order[1..=stops].to_vec();
                near.sort_by_key(|site| (self.way(centre, *site), *site));
                near.truncate(many);
                order.retain(|site| !near.contains(site));
                taste[centre] = 1000.0;
            }
        }
    }

    fn told(&self, walk: &Walk, stops: &[Stop], asked: &Asked) -> Round {
        let mut calls = Vec::new();
        let (mut now, mut metres, mut waiting_secs, mut here) = (0, 0.0, 0, asked.from);
        for (before, &site) in walk.stops().iter().enumerate() {
            let stop = &stops[self.sites[site].place];
            let arrive_secs = now + self.way(walk.order[before], site);
            now = walk.leave[before + 1];
            let start_secs = now - stop.on_site_secs;
            waiting_secs += start_secs - arrive_secs;
            metres += here.metres_to(stop.at) * asked.detour;
            here = stop.at;
            calls.push(Call { id: stop.id, arrive_secs, start_secs, leave_secs: now });
        }
        if asked.back {
            metres += here.metres_to(asked.from) * asked.detour;
        }
        Round { stops: calls, pay_minor: self.pay(walk), secs: walk.secs, metres, waiting_secs }
    }
}

fn is_better(a: &Walk, b: &Walk) -> bool {
    a.score > b.score || a.score == b.score && (a.secs, a.travel) < (b.secs, b.travel)
}

/// Takes `walk` for the best one if it is, and another one than those found before.
fn keep(best: &mut Option<Walk>, walk: &Walk, found: &[Walk]) {
    let better = best.as_ref().is_none_or(|best| is_better(walk, best));
    if better && !walk.stops().is_empty() && found.iter().all(|other| is_apart(walk, other)) {
        *best = Some(walk.clone());
    }
}

fn is_apart(a: &Walk, b: &Walk) -> bool {
    let shared = a.stops().iter().filter(|site| b.stops().contains(site)).count();
    shared * 3 <= a.stops().len().min(b.stops().len()) * 2
}

/// Xorshift (Marsaglia, 2003).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// Less than `bound`; zero for a bound of zero.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11).checked_rem(bound as u64).unwrap_or(0) as usize
    }

    /// At least zero and less than one.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests;
