//! How long the way to a store takes: the straight line, longer by a detour, at the speed of a mode.

text_enum! {
    Mode { Walk = "walk", Cycle = "cycle", Drive = "drive" }
}

/// What the operator expects of streets and workers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Travel {
    /// Metres a minute.
    pub walk: i64,
    pub cycle: i64,
    pub drive: i64,
    /// The way in percent of the straight line.
    pub detour_percent: i64,
}

impl Default for Travel {
    fn default() -> Travel {
        Travel { walk: 80, cycle: 220, drive: 450, detour_percent: 130 }
    }
}

impl Travel {
    /// Metres a second on the way.
    pub fn metres_per_sec(&self, mode: Mode) -> f64 {
        let per_minute = match mode {
            Mode::Walk => self.walk,
            Mode::Cycle => self.cycle,
            Mode::Drive => self.drive,
        };
        per_minute.max(1) as f64 / 60.0
    }

    pub fn detour(&self) -> f64 {
        self.detour_percent.max(100) as f64 / 100.0
    }

    /// Minutes for a straight line in metres, rounded up.
    pub fn minutes(&self, mode: Mode, metres: f64) -> i64 {
        (metres.max(0.0) * self.detour() / self.metres_per_sec(mode) / 60.0).ceil() as i64
    }
}

/// Pay an hour in minor units, rounded down.
pub fn pay_per_hour(pay_minor: i64, minutes: i64) -> i64 {
    i64::try_from(i128::from(pay_minor) * 60 / i128::from(minutes.max(1))).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_longer_than_the_line_and_each_begun_minute_counts() {
        let travel = Travel::default();
        assert_eq!(travel.minutes(Mode::Walk, 800.0), 13);
        assert_eq!(travel.minutes(Mode::Cycle, 800.0), 5);
        assert_eq!(travel.minutes(Mode::Drive, 0.0), 0);
        let still = Travel { walk: 0, detour_percent: 0, ..travel };
        assert_eq!(still.minutes(Mode::Walk, 10.0), 10);
        assert_eq!((pay_per_hour(400, 30), pay_per_hour(i64::MAX, 0)), (800, i64::MAX));
    }
}
