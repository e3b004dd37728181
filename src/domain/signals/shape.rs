//! The way of a visit, small enough to be stored with every visit, and how alike two ways are.

use super::{TimedFix, steps};

/// Likeness of two shapes above which they are one walk, and fewest marks that can say so.
pub const LIKENESS: f64 = 0.94;
const LIKE_MARKS: usize = 5;
/// A shape smaller than this is a receiver's noise: then only its copy to the digit counts, in metres.
const SHAPE_M: f64 = 12.0;
const COPY_M: f64 = 0.1;

/// One mark of a shape: seconds and decimetres from the first one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Mark {
    secs: u16,
    east_dm: i16,
    north_dm: i16,
}

/// The way of a visit without its place and date: what is stored to recognise it when it is sent again. At most 64
/// marks of 6 bytes; says nothing about where the visit was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    marks: Vec<Mark>,
}

const MARKS_MAX: usize = 64;

impl Shape {
    /// `None` for fewer than five fixes at least five seconds apart.
    pub fn of(fixes: &[TimedFix]) -> Option<Shape> {
        let steps = steps(fixes);
        let first = *steps.first()?;
        let mut marks: Vec<Mark> = Vec::new();
        for step in &steps {
            let secs = (step.secs - first.secs).round();
            if secs > f64::from(u16::MAX) || marks.len() == MARKS_MAX {
                break;
            }
            if marks.last().is_none_or(|last| secs - f64::from(last.secs) >= 5.0) {
                let dm = |from: f64, to: f64| ((to - from) * 10.0).round() as i16;
                let (east_dm, north_dm) = (dm(first.east, step.east), dm(first.north, step.north));
                marks.push(Mark { secs: secs as u16, east_dm, north_dm });
            }
        }
        (marks.len() >= LIKE_MARKS).then_some(Shape { marks })
    }

    /// Six bytes a mark: seconds, east, north; each 16 bits, big end first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let three = |m: &Mark| [m.secs.to_be_bytes(), m.east_dm.to_be_bytes(), m.north_dm.to_be_bytes()];
        self.marks.iter().flat_map(three).flatten().collect()
    }

    /// `None` for bytes that no shape has.
    pub fn from_bytes(bytes: &[u8]) -> Option<Shape> {
        let mark = |b: &[u8]| {
            let two = |n: usize| Some([*b.get(n)?, *b.get(n + 1)?]);
            let (secs, east, north) = (two(0)?, two(2)?, two(4)?);
            let secs = u16::from_be_bytes(secs);
            Some(Mark { secs, east_dm: i16::from_be_bytes(east), north_dm: i16::from_be_bytes(north) })
        };
        let marks: Vec<Mark> = bytes.chunks_exact(6).filter_map(mark).collect();
        let whole = bytes.len().is_multiple_of(6) && (LIKE_MARKS..=MARKS_MAX).contains(&marks.len());
        (whole && marks.is_sorted_by(|a, b| a.secs < b.secs)).then_some(Shape { marks })
    }

    fn place(&self, secs: f64) -> Option<(f64, f64)> {
        let after = self.marks.partition_point(|m| f64::from(m.secs) < secs);
        let at = |n: usize| self.marks.get(n).map(|m| (f64::from(m.secs), f64::from(m.east_dm), f64::from(m.north_dm)));
        let last = self.marks.len().checked_sub(1)?;
        let (to, from) = (at(after.min(last))?, at(after.saturating_sub(1))?);
        // Seconds were rounded on both sides.
        if secs < -1.0 || secs > to.0 + 1.0 {
            return None;
        }
        let part = if to.0 > from.0 { ((secs - from.0) / (to.0 - from.0)).clamp(0.0, 1.0) } else { 0.0 };
        Some(((from.1 + (to.1 - from.1) * part) / 10.0, (from.2 + (to.2 - from.2) * part) / 10.0))
    }

    /// How much of this way the earlier one explains when both are laid on each other in time and place, 0 to 1; `None`
    /// when too little of them lies in the same time. Ways in the same store are alike by nature, their timing is not.
    pub fn likeness(&self, earlier: &Shape) -> Option<f64> {
        let shifts = self
            .marks
            .iter()
            .take(3)
            .flat_map(|own| earlier.marks.iter().map(move |other| f64::from(other.secs) - f64::from(own.secs)));
        shifts.filter_map(|shift| self.laid(earlier, shift)).max_by(f64::total_cmp)
    }

    fn laid(&self, earlier: &Shape, shift: f64) -> Option<f64> {
        let pairs: Vec<[f64; 5]> = self
            .marks
            .iter()
            .filter_map(|m| {
                let (east, north) = earlier.place(f64::from(m.secs) + shift)?;
                let own = (f64::from(m.east_dm) / 10.0, f64::from(m.north_dm) / 10.0);
                Some([own.0, own.1, own.0 - east, own.1 - north, f64::from(m.secs)])
            })
            .collect();
        let n = pairs.len() as f64;
        if pairs.len() < LIKE_MARKS || n < 0.7 * self.marks.len() as f64 {
            return None;
        }
        let mean = |k: usize| pairs.iter().map(|p| p[k]).sum::<f64>() / n;
        let m = [mean(0), mean(1), mean(2), mean(3), mean(4)];
        let both = |k: usize, l: usize| pairs.iter().map(|p| (p[k] - m[k]) * (p[l] - m[l])).sum::<f64>() / n;
        // What an even pace on a line explains is no sign: many people walk one.
        let turns = |k: usize| both(k, k) - if both(4, 4) > 0.0 { both(k, 4).powi(2) / both(4, 4) } else { 0.0 };
        let spread = (turns(0) + turns(1)).max(0.0).sqrt();
        let rest = (both(2, 2) + both(3, 3)).sqrt();
        let mut places: Vec<(i16, i16)> = self.marks.iter().map(|m| (m.east_dm / 10, m.north_dm / 10)).collect();
        places.sort_unstable();
        places.dedup();
        let told = places.len() >= LIKE_MARKS && (spread >= SHAPE_M || (spread >= 1.0 && rest <= COPY_M));
        // Few marks always fit somewhere: two means and the time were free. The power was chosen with the limit, so
        // that 300 honest visits of one store hardly ever match.
        let free = (2.0 * n / (2.0 * n - 3.0)).powi(3);
        told.then(|| 1.0 - free * (rest / spread).powi(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Point;
    use crate::domain::signals::{Event, Provider};

    fn visit(way: &[(i64, f64, f64)]) -> Vec<TimedFix> {
        let one = |n: usize, (secs, east, north): &(i64, f64, f64)| TimedFix {
            at: Point::new(10.0 + north / 111_195.0, 20.0 + east / 109_506.0).expect("here"),
            accuracy_m: 5.0,
            altitude_m: None,
            speed_mps: None,
            bearing_deg: None,
            provider: Some(Provider::Gps),
            mock: false,
            taken_at: secs * 1_000_000,
            elapsed_ms: None,
            received_at: secs * 1_000_000,
            event: if n == 0 { Event::CheckIn } else { Event::Photo(n as u32) },
        };
        way.iter().enumerate().map(|(n, step)| one(n, step)).collect()
    }

    const WAY: &[(i64, f64, f64)] =
        &[(0, 0.0, 0.0), (70, 30.0, 10.0), (150, 35.0, 60.0), (260, -20.0, 55.0), (333, -25.0, 5.0), (420, 4.0, -9.0)];

    fn moved(by: impl Fn(usize, (i64, f64, f64)) -> (i64, f64, f64)) -> Vec<(i64, f64, f64)> {
        WAY.iter().enumerate().map(|(n, step)| by(n, *step)).collect()
    }

    fn likeness(a: &[(i64, f64, f64)], b: &[(i64, f64, f64)]) -> Option<f64> {
        Shape::of(&visit(a))?.likeness(&Shape::of(&visit(b))?)
    }

    #[test]
    fn a_replay_is_known_elsewhere_later_and_with_a_little_noise() {
        let later = moved(|_, (t, e, n)| (t + 86_400, e + 900.0, n - 400.0));
        assert!(likeness(&later, WAY).is_some_and(|l| l > 0.999));
        let noisy = moved(|k, (t, e, n)| (t, e + [1.0, -2.0, 1.5][k % 3], n + [-1.0, 2.0][k % 2]));
        assert!(likeness(&noisy, WAY).is_some_and(|l| l > LIKENESS));
        let part: Vec<_> = WAY[..5].to_vec();
        assert!(likeness(&part, WAY).is_some_and(|l| l > LIKENESS), "its first five");
    }

    #[test]
    fn the_same_shelves_at_another_pace_and_a_line_are_nobodys() {
        let paces = [0, 140, 190, 230, 480, 520];
        assert!(likeness(&moved(|k, (_, e, n)| (paces[k], e, n)), WAY).is_none_or(|l| l < 0.9));
        let line: Vec<(i64, f64, f64)> = (0..8).map(|k| (k * 30, k as f64 * 40.0, 0.0)).collect();
        assert_eq!(likeness(&line, &line), None, "many people walk a line");
        let still: Vec<(i64, f64, f64)> = (0..8).map(|k| (k * 30, 0.0, 0.0)).collect();
        assert_eq!(likeness(&still, &still), None);
        assert_eq!(Shape::of(&visit(&WAY[..4])), None);
        assert_eq!(Shape::of(&[]), None);
    }

    #[test]
    fn a_shape_is_stored_and_read_back() {
        let shape = Shape::of(&visit(WAY)).expect("six marks");
        let bytes = shape.to_bytes();
        assert_eq!((bytes.len(), Shape::from_bytes(&bytes)), (36, Some(shape)));
        assert_eq!(Shape::from_bytes(&bytes[..35]), None);
        assert_eq!(Shape::from_bytes(&bytes[..24]), None, "too few");
        assert_eq!(Shape::from_bytes(&[7; 36]), None, "time stands still");
        let far = moved(|k, (t, _, _)| (t, k as f64 * 1e6, f64::from(k as u32) * -1e5));
        assert!(Shape::of(&visit(&far)).is_some(), "stops at the edge of its plane");
    }
}
