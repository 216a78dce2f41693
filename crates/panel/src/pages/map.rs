//! Receivers drawn where they stand: north is up, and a bar tells how far things are. No tiles are needed.

use loa_model::Place;

/// A drawing of places, each of which stands for something.
pub(crate) struct Map<T> {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) dots: Vec<Dot<T>>,
    /// How long the bar is on the drawing, and what it says.
    pub(crate) bar: f64,
    pub(crate) bar_text: String,
}

pub(crate) struct Dot<T> {
    pub(crate) x: f64,
    pub(crate) y: f64,
    /// What stands there.
    pub(crate) what: T,
    /// `ok`, `late`, `never` or `trouble`.
    pub(crate) state: &'static str,
    pub(crate) tip: String,
}

/// Draws places; none without any. Each comes with what stands there, its state and what is said of it.
pub(crate) fn map<T>(places: Vec<(Place, T, &'static str, String)>) -> Option<Map<T>> {
    let metres: Vec<(f64, f64)> = {
        let (north, _) = places.first()?.0.degrees();
        // Within a province a degree of longitude is as long everywhere.
        let shrink = north.to_radians().cos().max(0.01);
        let plane = |place: &Place| {
            let (north, east) = place.degrees();
            (east * shrink * METRES_A_DEGREE, north * METRES_A_DEGREE)
        };
        places.iter().map(|(place, ..)| plane(place)).collect()
    };
    let bounds = |part: fn(&(f64, f64)) -> f64| {
        let parts = metres.iter().map(part);
        parts.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), part| {
            (least.min(part), most.max(part))
        })
    };
    let ((west, east), (south, north)) = (bounds(|(x, _)| *x), bounds(|(_, y)| *y));
    let room = |span: f64, size: f64| span.max(SPAN_MIN_M) / (size - 2.0 * EDGE);
    let metres_a_unit = room(east - west, WIDTH).max(room(north - south, HEIGHT_MAX));
    let height = ((north - south) / metres_a_unit + 2.0 * EDGE)
        .max(HEIGHT_MIN)
        .round();
    let middle = ((west + east) / 2.0, (south + north) / 2.0);
    let dots = metres
        .into_iter()
        .zip(places)
        .map(|((x, y), (_, what, state, tip))| Dot {
            x: WIDTH / 2.0 + (x - middle.0) / metres_a_unit,
            y: height / 2.0 - (y - middle.1) / metres_a_unit,
            what,
            state,
            tip,
        });
    let mut dots: Vec<_> = dots.collect();
    // What somebody should look at lies on top.
    dots.sort_by_key(|dot| dot.state != "ok");
    let bar_m = round_below(metres_a_unit * WIDTH / 4.0);
    Some(Map {
        width: WIDTH,
        height,
        dots,
        bar: bar_m / metres_a_unit,
        bar_text: if bar_m >= 1_000.0 {
            format!("{} km", bar_m / 1_000.0)
        } else {
            format!("{bar_m} m")
        },
    })
}

/// Returns the greatest of 1, 2 and 5 times a power of ten that is no more.
fn round_below(length: f64) -> f64 {
    let power = 10_f64.powf(length.log10().floor());
    let steps = [5.0, 2.0, 1.0];
    let found = steps.into_iter().find(|step| step * power <= length);
    found.unwrap_or(1.0) * power
}

const METRES_A_DEGREE: f64 = 111_320.0;
const WIDTH: f64 = 760.0;
const HEIGHT_MAX: f64 = 520.0;
const HEIGHT_MIN: f64 = 160.0;
/// Around the outermost dots.
const EDGE: f64 = 24.0;
/// A few receivers on one pole are no reason to show millimetres.
const SPAN_MIN_M: f64 = 400.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(places: &[&str]) -> Map<usize> {
        let places = places.iter().enumerate();
        let place = |(row, text): (usize, &&str)| (text.parse().unwrap(), row, "ok", String::new());
        map(places.map(place).collect()).unwrap()
    }

    #[test]
    fn north_is_up_east_is_right_and_all_lie_inside() {
        let map = drawn(&["10.0,106.0", "10.1,106.0", "10.0,106.2"]);
        let dot = |row: usize| map.dots.iter().find(|dot| dot.what == row).unwrap();
        assert!(dot(1).y < dot(0).y && dot(2).x > dot(0).x);
        assert!((dot(1).x - dot(0).x).abs() < 0.01 && (dot(2).y - dot(0).y).abs() < 0.01);
        let inside =
            |dot: &Dot<usize>| (0.0..=map.width).contains(&dot.x) && (0.0..=map.height).contains(&dot.y);
        assert!(map.dots.iter().all(inside));
        // 0.1° of latitude are 11.13 km.
        let km =
            (dot(0).y - dot(1).y) / map.bar * map.bar_text.trim_end_matches(" km").parse::<f64>().unwrap();
        assert!((km - 11.132).abs() < 0.01, "{km}");
    }

    #[test]
    fn one_place_lies_in_the_middle_and_none_is_no_map() {
        let one = drawn(&["10.7769,106.7009"]);
        assert!(
            (one.dots[0].x - 380.0).abs() < 0.01 && one.bar_text == "100 m",
            "{}",
            one.bar_text
        );
        assert!(map::<()>(Vec::new()).is_none());
    }

    #[test]
    fn bars_have_round_lengths() {
        for (length, bar) in [
            (734.0, 500.0),
            (1_999.0, 1_000.0),
            (2_000.0, 2_000.0),
            (99.0, 50.0),
        ] {
            assert!((round_below(length) - bar).abs() < 1e-6, "{length}");
        }
    }
}
