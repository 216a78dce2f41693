//! Where the moon and the sun are: the two formulas under the lunar calendar.
//!
//! Times are Julian days of universal time, as an `f64`: good to 0.1 ms in this era.

use chrono::{Datelike, NaiveDate};

/// Returns the Julian day of new moon number `k`, where 0 is that of 6 January 2000.
///
/// Within half a minute of the truth from 1900 to 2100, and then only as good as [`delta_t_s`].
///
/// Source: Jean Meeus, *Astronomical Algorithms*, 2nd edition, chapter 49: the
/// mean phase, the periodic terms of the new moon and the fourteen of the planets.
pub(crate) fn new_moon(k: i32) -> f64 {
    let k = f64::from(k);
    let t = k / 1236.85;
    let mean = 2_451_550.097_66 + SYNODIC_MONTH * k + t * t * (0.000_154_37 - 0.000_000_150 * t);
    let eccentricity = 1.0 - t * (0.002_516 + 0.000_007_4 * t);
    let sun = 2.5534 + 29.105_356_70 * k - 0.000_001_4 * t * t;
    let moon = 201.5643 + 385.816_935_28 * k + t * t * (0.010_758_2 + 0.000_012_38 * t);
    let latitude = 160.7108 + 390.670_502_84 * k - t * t * (0.001_611_8 + 0.000_002_27 * t);
    let node = 124.7746 - 1.563_755_88 * k + 0.002_067_2 * t * t;
    let periodic: f64 = NEW_MOON
        .iter()
        .map(|&(size, power, [s, m, f])| {
            size * eccentricity.powi(power) * sine(s * sun + m * moon + f * latitude)
        })
        .sum();
    let planets: f64 = PLANETS
        .iter()
        .map(|&(at, per_month, size)| size * 1e-6 * sine(at + per_month * k))
        .sum();
    let dynamical = mean + periodic - 0.000_17 * sine(node) + planets;
    dynamical - delta_t_s(dynamical) / DAY_S
}

/// Returns the number of the new moon that is, on average, nearest to this day.
pub(crate) fn new_moon_near(date: NaiveDate) -> i32 {
    ((julian_midnight(date.num_days_from_ce()) - new_moon(0)) / SYNODIC_MONTH).round() as i32
}

/// Returns the apparent longitude of the sun in degrees, from 0 up to 360.
///
/// Within 0.01 degrees, which the sun takes a quarter of an hour to move.
///
/// Source: Jean Meeus, *Astronomical Algorithms*, 2nd edition, chapter 25, low accuracy.
pub(crate) fn sun_longitude(julian: f64) -> f64 {
    let t = (julian + delta_t_s(julian) / DAY_S - J2000) / CENTURY;
    let mean = 280.466_46 + t * (36_000.769_83 + 0.000_303_2 * t);
    let anomaly = 357.529_11 + t * (35_999.050_29 - 0.000_153_7 * t);
    let centre = (1.914_602 - t * (0.004_817 + 0.000_014 * t)) * sine(anomaly)
        + (0.019_993 - 0.000_101 * t) * sine(2.0 * anomaly)
        + 0.000_289 * sine(3.0 * anomaly);
    let nutation_and_aberration = -0.005_69 - 0.004_78 * sine(125.04 - 1934.136 * t);
    (mean + centre + nutation_and_aberration).rem_euclid(360.0)
}

/// Returns the Julian day at which a day begins, counted as `num_days_from_ce` does.
pub(crate) fn julian_midnight(day: i32) -> f64 {
    f64::from(day) + 1_721_424.5
}

/// Returns how many seconds dynamical time, which the formulas count in, is ahead of universal time.
///
/// Straight lines between the values of [`DELTA_T_S`]; within 2 s of what was measured.
fn delta_t_s(julian: f64) -> f64 {
    let year = 2000.0 + (julian - J2000) / 365.25;
    let after = DELTA_T_S.partition_point(|&(y, _)| y <= year);
    let first = after.clamp(1, DELTA_T_S.len() - 1);
    let ((from, a), (to, b)) = (DELTA_T_S[first - 1], DELTA_T_S[first]);
    a + (b - a) * (year - from) / (to - from)
}

fn sine(degrees: f64) -> f64 {
    degrees.to_radians().sin()
}

/// Days from one new moon to the next, on average (Meeus, chapter 49).
const SYNODIC_MONTH: f64 = 29.530_588_861;
const DAY_S: f64 = 86_400.0;
/// Julian day of noon on 1 January 2000.
const J2000: f64 = 2_451_545.0;
/// Days in a Julian century.
const CENTURY: f64 = 36_525.0;

/// Year, and seconds at its start: measured up to 2020, then what NASA's eclipse tables foresee.
///
/// Source: Fred Espenak and Jean Meeus, *Five Millennium Canon of Solar Eclipses*, section on delta T.
const DELTA_T_S: [(f64, f64); 16] = [
    (1900.0, -3.0),
    (1910.0, 10.0),
    (1920.0, 21.0),
    (1930.0, 24.0),
    (1940.0, 24.0),
    (1950.0, 29.0),
    (1960.0, 33.0),
    (1970.0, 40.0),
    (1980.0, 51.0),
    (1990.0, 57.0),
    (2000.0, 64.0),
    (2010.0, 66.0),
    (2020.0, 69.0),
    (2050.0, 93.0),
    (2100.0, 203.0),
    (2110.0, 227.0),
];

/// Days, power of the eccentricity factor, and multiples of the sun's anomaly, the moon's
/// anomaly and the moon's argument of latitude.
const NEW_MOON: [(f64, i32, [f64; 3]); 24] = [
    (-0.407_20, 0, [0.0, 1.0, 0.0]),
    (0.172_41, 1, [1.0, 0.0, 0.0]),
    (0.016_08, 0, [0.0, 2.0, 0.0]),
    (0.010_39, 0, [0.0, 0.0, 2.0]),
    (0.007_39, 1, [-1.0, 1.0, 0.0]),
    (-0.005_14, 1, [1.0, 1.0, 0.0]),
    (0.002_08, 2, [2.0, 0.0, 0.0]),
    (-0.001_11, 0, [0.0, 1.0, -2.0]),
    (-0.000_57, 0, [0.0, 1.0, 2.0]),
    (0.000_56, 1, [1.0, 2.0, 0.0]),
    (-0.000_42, 0, [0.0, 3.0, 0.0]),
    (0.000_42, 1, [1.0, 0.0, 2.0]),
    (0.000_38, 1, [1.0, 0.0, -2.0]),
    (-0.000_24, 1, [-1.0, 2.0, 0.0]),
    (-0.000_07, 0, [2.0, 1.0, 0.0]),
    (0.000_04, 0, [0.0, 2.0, -2.0]),
    (0.000_04, 0, [3.0, 0.0, 0.0]),
    (0.000_03, 0, [1.0, 1.0, -2.0]),
    (0.000_03, 0, [0.0, 2.0, 2.0]),
    (-0.000_03, 0, [1.0, 1.0, 2.0]),
    (0.000_03, 0, [-1.0, 1.0, 2.0]),
    (-0.000_02, 0, [-1.0, 1.0, -2.0]),
    (-0.000_02, 0, [1.0, 3.0, 0.0]),
    (0.000_02, 0, [0.0, 4.0, 0.0]),
];

/// Degrees at new moon 0, degrees more at each, and millionths of a day.
const PLANETS: [(f64, f64, f64); 14] = [
    (299.77, 0.107_408, 325.0),
    (251.88, 0.016_321, 165.0),
    (251.83, 26.651_886, 164.0),
    (349.42, 36.412_478, 126.0),
    (84.66, 18.206_239, 110.0),
    (141.74, 53.303_771, 62.0),
    (207.14, 2.453_732, 60.0),
    (154.84, 7.306_860, 56.0),
    (34.52, 27.261_239, 47.0),
    (207.19, 0.121_824, 42.0),
    (291.34, 1.844_379, 40.0),
    (161.72, 24.198_154, 37.0),
    (239.56, 25.513_099, 35.0),
    (331.55, 3.592_518, 23.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Meeus, examples 49.a and 25.a, given in dynamical time.
    #[test]
    fn agrees_with_the_worked_examples() {
        let moon = new_moon(-283);
        let dynamical = moon + delta_t_s(moon) / DAY_S;
        assert!((dynamical - 2_443_192.651_18).abs() < 0.000_02, "{dynamical}");
        let at = 2_448_908.5;
        let sun = sun_longitude(at - delta_t_s(at) / DAY_S);
        assert!((sun - 199.908_95).abs() < 0.000_02, "{sun}");
    }
}
