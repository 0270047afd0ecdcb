//! Names of people's making as parts of a CloudEvents source, which is a reference without spaces and slashes.

/// The name in small letters and digits, with a dash wherever something else stands between them.
pub(crate) fn of(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-").to_lowercase();
    if joined.is_empty() { "unnamed".to_owned() } else { joined }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_keeps_its_letters_and_digits() {
        for (name, expected) in
            [("AWS", "aws"), ("/acc/8 611", "acc-8-611"), ("Облако №1", "облако-1"), ("*", "unnamed")]
        {
            assert_eq!(super::of(name), expected);
        }
    }
}
