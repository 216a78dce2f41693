//! A run-sheet is a matter of what there is, not of the order in which it comes.

use loa_model::ZoneTree;
use loa_plan::Lang;
use proptest::prelude::*;

use crate::samples;
use crate::stored::Stored;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Zones, programmes, slots, profiles and exceptions of each sample in any order: the same bytes.
    #[test]
    fn the_same_bytes_in_any_order(
        sample in 0..samples().len(),
        keys in prop::array::uniform5(prop::collection::vec(any::<u32>(), ITEMS_MAX)),
    ) {
        let sample = &samples()[sample];
        let (stored, _) = sample.stored();
        let expected = sample.printed(&stored, Lang::Vi);
        let [zones, programmes, slots, profiles, exceptions] = &keys;
        let shuffled = Stored {
            tree: ZoneTree::new(by_keys(stored.tree.iter().cloned().collect(), zones)).unwrap(),
            programmes: by_keys(stored.programmes, programmes),
            slots: by_keys(stored.slots, slots),
            profiles: by_keys(stored.profiles, profiles),
            exceptions: by_keys(stored.exceptions, exceptions),
            owners: stored.owners,
        };
        prop_assert_eq!(sample.printed(&shuffled, Lang::Vi), expected);
    }
}

fn by_keys<T>(items: Vec<T>, keys: &[u32]) -> Vec<T> {
    assert!(items.len() <= keys.len(), "each item has its key");
    let mut keyed: Vec<_> = keys.iter().zip(items).collect();
    keyed.sort_by_key(|(key, _)| **key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

/// More than any sample has of one kind.
const ITEMS_MAX: usize = 16;
