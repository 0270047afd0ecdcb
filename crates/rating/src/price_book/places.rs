//! The places of a text as people count them: lines and columns.

/// Turns bytes of a text into lines and columns. Bytes in ascending order cost one pass over the text in all.
#[derive(Debug, Clone)]
pub struct Places<'t> {
    text: &'t str,
    byte: usize,
    line: usize,
    column: usize,
}

impl<'t> Places<'t> {
    /// The places of a text.
    #[must_use]
    pub fn new(text: &'t str) -> Places<'t> {
        Places { text, byte: 0, line: 1, column: 1 }
    }

    /// The line and column, from 1, of a byte; the column counts characters. Within a character or beyond the
    /// text it is that of the next character, or of the end.
    pub fn of(&mut self, byte: usize) -> (usize, usize) {
        if byte < self.byte {
            *self = Places::new(self.text);
        }
        for character in self.text[self.byte..].chars() {
            if self.byte >= byte {
                break;
            }
            self.byte += character.len_utf8();
            if character == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_from_one() {
        for (text, byte, place) in [
            ("", 0, (1, 1)),
            ("цена = 1\nx", 9, (1, 6)),
            ("a\r\nb", 3, (2, 1)),
            ("a\n", 2, (2, 1)),
            ("a", 99, (1, 2)),
            ("ц", 1, (1, 2)),
        ] {
            assert_eq!(Places::new(text).of(byte), place, "{text:?}");
        }
    }

    #[test]
    fn places_may_be_asked_in_any_order() {
        let mut places = Places::new("ab\ncd\nef");
        assert_eq!([7, 0, 4, 4, 3].map(|byte| places.of(byte)), [(3, 2), (1, 1), (2, 2), (2, 2), (2, 1)]);
    }
}
