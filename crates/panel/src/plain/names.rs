//! Names that people know, for what is a code elsewhere: a class, a verdict, a state, a role, a deed, a count, a browser.

use loa_model::{ApprovalState, BulletinClass, Role, Verdict};

use crate::lang::Lang;

/// Returns the name of a class.
pub(crate) fn class(class: BulletinClass, lang: Lang) -> String {
    lang.say(match class {
        BulletinClass::Background => "class-background",
        BulletinClass::Normal => "class-normal",
        BulletinClass::Priority => "class-priority",
        BulletinClass::Live => "class-live",
        BulletinClass::Emergency => "class-emergency",
    })
}

/// Returns what is expected of a line.
pub(crate) fn verdict(verdict: Verdict, lang: Lang) -> String {
    lang.say(match verdict {
        Verdict::Airs => "verdict-airs",
        Verdict::Shifts => "verdict-shifts",
        Verdict::Dropped => "verdict-dropped",
    })
}

/// Returns how far something is on its way to the air.
pub(crate) fn state_name(state: ApprovalState, lang: Lang) -> String {
    lang.say(match state {
        ApprovalState::Draft => "approval-draft",
        ApprovalState::Submitted => "approval-submitted",
        ApprovalState::Approved => "approval-approved",
        ApprovalState::Rejected => "approval-rejected",
        ApprovalState::Archived => "approval-archived",
    })
}

/// Returns the name of a role.
pub(crate) fn role_name(role: Role, lang: Lang) -> String {
    lang.say(match role {
        Role::Viewer => "role-viewer",
        Role::Editor => "role-editor",
        Role::Approver => "role-approver",
        Role::Announcer => "role-announcer",
        Role::EmergencyOfficer => "role-emergency-officer",
        Role::Administrator => "role-administrator",
    })
}

/// Returns what somebody did, in words if they are known.
pub(crate) fn deed(action: &str, lang: Lang) -> String {
    let key = format!("deed-{}", action.replace([' ', '_'], "-"));
    lang.try_say(&key).unwrap_or_else(|| action.to_owned())
}

/// Returns what the audit log says of before and after: roles and states in words, anything else as it stands there.
pub(crate) fn before_or_after(text: &str, lang: Lang) -> String {
    let word = |word: &str| {
        let (role, zone) = word.split_once('@').unwrap_or((word, ""));
        match role.parse() {
            Ok(role) if zone.is_empty() => Some(role_name(role, lang)),
            Ok(role) => Some(format!("{} ({zone})", role_name(role, lang))),
            Err(_) => lang.try_say(&format!("state-{}", word.replace('_', "-"))),
        }
    };
    let words: Option<Vec<_>> = text.split(' ').map(word).collect();
    words.map_or_else(|| text.to_owned(), |words| words.join(", "))
}

/// Returns what a receiver counts, in words if it is known.
pub(crate) fn count_name(name: &str, lang: Lang) -> String {
    let key = format!("count-{}", name.replace('_', "-"));
    lang.try_say(&key).unwrap_or_else(|| name.replace('_', " "))
}

/// Returns what people call a browser that says such a thing of itself; what is not known is shown as it is.
pub(crate) fn browser(says: &str) -> String {
    // Each pretends to be the next.
    let names = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let systems = ["Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux"];
    let name = names
        .iter()
        .find(|(mark, _)| says.contains(mark))
        .map(|(_, name)| *name);
    let system = systems.iter().find(|system| says.contains(**system));
    match (name, system) {
        (Some(name), Some(system)) => format!("{name}, {system}"),
        _ => says.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_names_and_strange_ones_are_shown_as_they_are() {
        assert_eq!(count_name("card_underruns", Lang::En), "card underruns");
        assert_ne!(count_name("forged", Lang::Vi), "forged");
        assert_eq!(count_name("of_tomorrow", Lang::Vi), "of tomorrow");
    }

    #[test]
    fn browsers_have_the_names_that_people_know() {
        let rows = [
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
                "Chrome, Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile Safari/604.1",
                "Safari, iPhone",
            ),
            ("curl/8.0", "curl/8.0"),
        ];
        for (says, name) in rows {
            assert_eq!(browser(says), name);
        }
    }

    #[test]
    fn before_and_after_are_said_in_words_where_all_of_it_is_known() {
        let rows = [
            ("announcer@xa-a viewer", "Announcer (xa-a), Viewer"),
            (
                "enabled one_time_codes locked",
                "may log in, with one-time codes, locked",
            ),
            ("viewer of tomorrow", "viewer of tomorrow"),
            ("", ""),
        ];
        for (text, said) in rows {
            assert_eq!(before_or_after(text, Lang::En), said);
        }
    }
}
