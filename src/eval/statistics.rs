//! What a count says about a target: shares with their 95% Wilson intervals, and when a count is too small to say.

use std::fmt;

use serde::{Serialize, Serializer};

/// Normal quantile of a two-sided 95% interval.
const Z: f64 = 1.959_964;
/// Cases that a target of "every one" needs at least.
const EVERY_ONE_NEEDS: u64 = 20;

/// `hits` of `n` cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Count {
    pub hits: u64,
    pub n: u64,
}

impl Count {
    pub fn add(&mut self, hit: bool) {
        self.n += 1;
        self.hits += u64::from(hit);
    }

    pub fn plus(self, other: Count) -> Count {
        Count { hits: self.hits + other.hits, n: self.n + other.n }
    }

    /// `None` without cases.
    pub fn share(self) -> Option<f64> {
        (self.n > 0).then(|| self.hits as f64 / self.n as f64)
    }

    /// The 95% Wilson score interval of the share; all of 0 to 1 without cases.
    pub fn interval(self) -> (f64, f64) {
        let Some(share) = self.share() else { return (0.0, 1.0) };
        let n = self.n as f64;
        let spread = Z * Z / n;
        let middle = (share + spread / 2.0) / (1.0 + spread);
        let half = Z * (share * (1.0 - share) / n + spread / (4.0 * n)).sqrt() / (1.0 + spread);
        // Rounding must not leave a whole hundredth of a percent outside.
        let low = if self.hits == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if self.hits == self.n { 1.0 } else { (middle + half).min(1.0) };
        (low, high)
    }
}

/// What a share should be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
    EveryOne,
    /// Not one in at least so many cases.
    NoneIn(u64),
}

impl Target {
    /// Cases from which on a perfect result would show the target.
    pub fn needs(self) -> u64 {
        // A perfect result's interval ends at n / (n + z^2), or begins at z^2 / (n + z^2).
        let odds = |p: f64| (Z * Z * p / (1.0 - p)).ceil() as u64;
        match self {
            Target::AtLeast(p) => odds(p),
            Target::AtMost(p) => odds(1.0 - p),
            Target::EveryOne => EVERY_ONE_NEEDS,
            Target::NoneIn(n) => n,
        }
    }

    /// Met or not met by the share when there are enough cases. With fewer: not met when one miss is already too many, or
    /// when the whole interval lies on the wrong side; else not shown.
    pub fn verdict(self, count: Count) -> Verdict {
        let Some(share) = count.share() else { return Verdict::NotShown };
        let (low, high) = count.interval();
        let (right, surely_wrong) = match self {
            Target::AtLeast(p) => (share >= p, high < p),
            Target::AtMost(p) => (share <= p, low > p),
            Target::EveryOne => (count.hits == count.n, count.hits < count.n),
            Target::NoneIn(_) => (count.hits == 0, count.hits > 0),
        };
        match count.n >= self.needs() {
            true if right => Verdict::Met,
            true => Verdict::NotMet,
            false if surely_wrong => Verdict::NotMet,
            false => Verdict::NotShown,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::AtLeast(p) => write!(f, ">= {}%", p * 100.0),
            Target::AtMost(p) => write!(f, "<= {}%", p * 100.0),
            Target::EveryOne => f.write_str("all"),
            Target::NoneIn(n) if *n >= 1_000_000 => write!(f, "0 of {} M", n / 1_000_000),
            Target::NoneIn(n) => write!(f, "0 of {n}"),
        }
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Met,
    NotMet,
    NotShown,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::NotMet => "NOT MET",
            Verdict::NotShown => "not shown",
        }
    }
}

/// A repeatable source of numbers (SplitMix64): the same seed gives the same numbers on every machine.
pub struct Dice(u64);

impl Dice {
    /// Dice of their own for each photo and attack, so that neither order nor threads change a roll.
    pub fn new(seed: u64, what: &str) -> Dice {
        let mixed = what
            .bytes()
            .fold(seed ^ 0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
        Dice(mixed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.share()
    }

    /// Evenly over the orders of magnitude.
    pub fn between_orders(&mut self, from: f64, to: f64) -> f64 {
        self.between(from.ln(), to.ln()).exp()
    }

    /// 0 to `sides` - 1; 0 for no sides.
    pub fn roll(&mut self, sides: usize) -> usize {
        (self.share() * sides as f64) as usize
    }

    pub fn coin(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(hits: u64, n: u64) -> Count {
        Count { hits, n }
    }

    #[test]
    fn the_interval_is_wilsons() {
        // Figures of Newcombe (1998), table I, method 3.
        for (hits, n, low, high) in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (1, 29, 0.0061, 0.1718)] {
            let (l, h) = count(hits, n).interval();
            assert!((l - low).abs() < 5e-5 && (h - high).abs() < 5e-5, "{hits} of {n}: {l} {h}");
        }
        assert_eq!(count(0, 0).interval(), (0.0, 1.0));
        assert_eq!((count(0, 9).interval().0, count(9, 9).interval().1), (0.0, 1.0));
    }

    #[test]
    fn a_target_is_judged_only_with_enough_cases() {
        let p = Target::AtLeast(0.99);
        assert_eq!(p.needs(), 381);
        assert!(count(381, 381).interval().0 >= 0.99 && count(379, 379).interval().0 < 0.99);
        assert_eq!(p.verdict(count(380, 380)), Verdict::NotShown);
        assert_eq!(p.verdict(count(381, 381)), Verdict::Met);
        assert_eq!(p.verdict(count(390, 400)), Verdict::NotMet);
        assert_eq!(p.verdict(count(8, 10)), Verdict::NotMet, "surely wrong even with few");
        assert_eq!(p.verdict(count(0, 0)), Verdict::NotShown);
        assert_eq!(Target::AtMost(0.01).needs(), 381);
        assert_eq!(Target::AtMost(0.03).verdict(count(1, 200)), Verdict::Met);
        assert_eq!(Target::EveryOne.verdict(count(19, 20)), Verdict::NotMet);
        assert_eq!(Target::EveryOne.verdict(count(19, 19)), Verdict::NotShown);
        assert_eq!(Target::NoneIn(4000).verdict(count(1, 10)), Verdict::NotMet);
        assert_eq!(Target::NoneIn(4000).verdict(count(0, 3999)), Verdict::NotShown);
        assert_eq!(Target::NoneIn(30_000_000).to_string(), "0 of 30 M");
    }

    #[test]
    fn dice_repeat_themselves_and_differ_by_name() {
        let rolls = |seed, what| (0..4).map(|_| Dice::new(seed, what).next()).collect::<Vec<_>>();
        assert_eq!(rolls(1, "a"), rolls(1, "a"));
        assert_ne!(rolls(1, "a"), rolls(1, "b"));
        assert_ne!(rolls(1, "a"), rolls(2, "a"));
        let mut dice = Dice::new(7, "x");
        assert!((0..1000).all(|_| dice.roll(6) < 6 && (0.0..1.0).contains(&dice.share())));
    }
}
