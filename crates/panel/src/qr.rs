//! A text as a picture that phones read (QR code, ISO/IEC 18004), drawn as SVG.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Draws a text; nothing if it is too long for a picture, as no text of ours is.
pub(crate) fn svg(text: &str) -> String {
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else {
        return String::new();
    };
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate();
    let dark = dark.filter(|(_, color)| *color == Color::Dark);
    let squares = dark.fold(String::new(), |mut path, (at, _)| {
        let (x, y) = (at % width + QUIET, at / width + QUIET);
        let _ = write!(path, "M{x} {y}h1v1h-1z");
        path
    });
    let side = width + 2 * QUIET;
    format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" aria-hidden=\"true\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/>\
         <path fill=\"#000\" d=\"{squares}\"/></svg>"
    )
}

/// The empty edge that readers look for, squares.
const QUIET: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_has_its_three_corners_and_an_empty_edge() {
        let svg = svg("otpauth://totp/Loa:an?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Loa");
        let dark = |x: usize, y: usize| svg.contains(&format!("M{x} {y}h1v1h-1z"));
        let side: usize = svg
            .split('"')
            .nth(3)
            .unwrap()
            .split(' ')
            .nth(2)
            .unwrap()
            .parse()
            .unwrap();
        let last = side - QUIET - 7;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!((0..7).all(|i| dark(x + i, y) && dark(x, y + i) && dark(x + 6, y + i)));
            assert!(!dark(x + 1, y + 1) && dark(x + 3, y + 3));
        }
        assert!((0..side).all(|i| (0..QUIET).all(|edge| !dark(i, edge) && !dark(edge, i))));
    }

    #[test]
    fn what_fits_no_picture_draws_nothing() {
        assert_eq!(svg(&"x".repeat(5_000)), "");
    }
}
