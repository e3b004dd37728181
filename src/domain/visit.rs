//! What a visit proves by itself: where the phone was, when the work was sealed against its deadline, how long visits
//! take. GPS alone never refuses work: everything here is a finding or a figure.

use super::finding::{Code, Finding, Language, Level};
use super::place::Inside;
use super::reservation::SYNC_GRACE_SECS;
use super::time::At;

/// Findings about the positions of a visit; they are made anew whenever a position arrives.
pub const POSITION_CODES: &[Code] =
    &[Code::PositionUncertain, Code::PositionFail, Code::PositionMissing, Code::MockLocation];

/// A fix this good speaks for the worker even when its disc crosses the fence, in metres.
pub const GOOD_ACCURACY_M: f64 = 150.0;

/// One position that a phone sent.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fix {
    pub distance_m: f64,
    pub accuracy_m: f64,
    pub mock: bool,
}

impl Fix {
    pub fn judge(self, radius_m: f64) -> Inside {
        Inside::judge(self.distance_m, self.accuracy_m, radius_m)
    }
}

/// The fix that says most for the worker: genuine before simulated, inside before outside, near before far.
pub fn best_fix(fixes: &[Fix], radius_m: f64) -> Option<Fix> {
    let rank = |fix: &Fix| match fix.judge(radius_m) {
        Inside::Pass => 0,
        Inside::Uncertain => 1,
        Inside::Fail => 2,
    };
    fixes.iter().copied().min_by(|a, b| {
        (a.mock, rank(a))
            .cmp(&(b.mock, rank(b)))
            .then((a.distance_m + a.accuracy_m).total_cmp(&(b.distance_m + b.accuracy_m)))
    })
}

/// What all positions of a visit add up to.
pub fn position_findings(fixes: &[Fix], radius_m: f64) -> Vec<Finding> {
    let Some(best) = best_fix(fixes, radius_m) else {
        return vec![Finding::new(Code::PositionMissing, Level::Doubt)];
    };
    let mut found = Vec::new();
    match best.judge(radius_m) {
        Inside::Pass => {}
        Inside::Uncertain => {
            let level = if best.accuracy_m <= GOOD_ACCURACY_M { Level::Info } else { Level::Doubt };
            found.push(Finding::new(Code::PositionUncertain, level).measured(best.distance_m, radius_m));
        }
        Inside::Fail => {
            found.push(Finding::new(Code::PositionFail, Level::Doubt).measured(best.distance_m, radius_m));
        }
    }
    if fixes.iter().any(|fix| fix.mock) {
        found.push(Finding::new(Code::MockLocation, Level::Doubt));
    }
    found
}

/// One sentence for the worker about where the phone is.
pub fn position_sentence(fixes: &[Fix], radius_m: f64, language: Language) -> String {
    match position_findings(fixes, radius_m).first() {
        Some(finding) => finding.sentence(language),
        None => match language {
            Language::En => "You are at the store.",
            Language::Fr => "Vous êtes au magasin.",
            Language::Nl => "U bent bij de winkel.",
        }
        .to_owned(),
    }
}

/// Whether taking the photo again could help: it cannot be read, cannot be judged, or is not a fresh one.
pub fn worth_retaking(finding: &Finding) -> bool {
    let seen = matches!(
        finding.code,
        Code::Damaged | Code::CoveredLens | Code::TooDark | Code::Overexposed | Code::Screenshot | Code::DupMirrored
    );
    finding.level == Level::Fail || (seen && finding.level == Level::Doubt)
}

/// How late a seal is, in seconds: it was made after the deadline, or arrived after the sync grace. `None`: on time.
pub fn lateness_secs(deadline: At, sealed: At, received: At) -> Option<i64> {
    let made = sealed.secs_since(deadline);
    let arrived = received.secs_since(sealed.plus_secs(SYNC_GRACE_SECS));
    Some(made.max(arrived)).filter(|secs| *secs > 0)
}

/// The clocks of a phone and of the server may differ by this much, in seconds.
pub const CLOCK_SLACK_SECS: i64 = 120;

/// By how many seconds something of the visit is later than the seal claims to be: a check-in that the server saw, or a
/// position. `fixes` are (time by the phone, time of arrival); a fix cannot arrive before it was taken, so an early
/// arrival shows by how much the phone's clock is fast, and that is taken off. `None`: nothing speaks against the seal.
pub fn seal_conflict_secs(sealed: At, checked_in: Option<At>, fixes: &[(At, At)]) -> Option<i64> {
    let fast = fixes.iter().map(|(at, received)| at.secs_since(*received)).max().unwrap_or(0).max(0);
    let by_phone = fixes.iter().map(|(at, _)| at.secs_since(sealed) - fast).max();
    let by_server = checked_in.map(|at| at.secs_since(sealed));
    by_phone.max(by_server).filter(|secs| *secs > CLOCK_SLACK_SECS)
}

/// Fewer past visits than this say nothing about the next one.
pub const ENOUGH_VISITS: usize = 5;

/// Minutes on site that half of the visits stayed below, rounded up; `None` when there are too few of them.
pub fn median_minutes(secs: &[i64]) -> Option<i64> {
    if secs.len() < ENOUGH_VISITS {
        return None;
    }
    let mut sorted = secs.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 { sorted[middle] } else { sorted[middle - 1].midpoint(sorted[middle]) };
    Some((median.max(0) + 59) / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fix(distance_m: f64, accuracy_m: f64) -> Fix {
        Fix { distance_m, accuracy_m, mock: false }
    }

    fn codes(fixes: &[Fix]) -> Vec<(Code, Level)> {
        position_findings(fixes, 150.0).into_iter().map(|f| (f.code, f.level)).collect()
    }

    #[test]
    fn the_best_fix_speaks_for_the_visit() {
        assert_eq!(codes(&[fix(900.0, 20.0), fix(30.0, 20.0)]), []);
        assert_eq!(codes(&[fix(900.0, 20.0)]), [(Code::PositionFail, Level::Doubt)]);
        assert_eq!(codes(&[fix(100.0, 120.0)]), [(Code::PositionUncertain, Level::Info)]);
        assert_eq!(codes(&[fix(100.0, 900.0)]), [(Code::PositionUncertain, Level::Doubt)]);
        assert_eq!(codes(&[]), [(Code::PositionMissing, Level::Doubt)]);
    }

    #[test]
    fn a_simulated_position_is_a_doubt_whatever_else_was_sent() {
        let mock = Fix { mock: true, ..fix(0.0, 5.0) };
        assert_eq!(codes(&[fix(30.0, 20.0), mock]), [(Code::MockLocation, Level::Doubt)]);
        assert_eq!(best_fix(&[mock, fix(900.0, 20.0)], 150.0), Some(fix(900.0, 20.0)));
        assert!(position_sentence(&[fix(1.0, 1.0)], 150.0, Language::Fr).contains("magasin"));
    }

    #[test]
    fn a_seal_is_late_by_its_own_time_or_by_its_arrival() {
        let at = |hours: i64| At::from_micros(0).expect("in range").plus_hours(hours);
        assert_eq!(lateness_secs(at(4), at(3), at(15)), None);
        assert_eq!(lateness_secs(at(4), at(3), at(16)), Some(3600));
        assert_eq!(lateness_secs(at(4), at(5), at(5)), Some(3600));
    }

    #[test]
    fn a_seal_cannot_be_older_than_what_it_seals() {
        let at = |secs: i64| At::from_micros(0).expect("in range").plus_secs(secs);
        assert_eq!(seal_conflict_secs(at(1000), Some(at(900)), &[(at(950), at(5000))]), None);
        assert_eq!(seal_conflict_secs(at(1000), Some(at(1200)), &[]), Some(200), "the server saw a later check-in");
        assert_eq!(seal_conflict_secs(at(1000), None, &[(at(1500), at(5000))]), Some(500));
        assert_eq!(seal_conflict_secs(at(1000), None, &[(at(1100), at(5000))]), None, "clocks differ a little");
        let fast = [(at(600), at(100)), (at(1450), at(5000))];
        assert_eq!(seal_conflict_secs(at(1000), None, &fast), None, "a clock that is fast is fast all day");
    }

    #[test]
    fn five_visits_make_a_median() {
        assert_eq!(median_minutes(&[60, 120, 180, 240]), None);
        assert_eq!(median_minutes(&[6000, 60, 125, 600, 30]), Some(3));
        assert_eq!(median_minutes(&[60, 60, 120, 240, 600, 900]), Some(3));
    }
}
