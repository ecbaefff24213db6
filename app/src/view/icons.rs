//! The icons, as lines on a grid of 24: sharp at every size, in the colour of the text beside them, and never a
//! glyph that a font may lack. Own drawings.

use egui::{Atom, Color32, Painter, Pos2, Rect, Response, Sense, Stroke, Ui, pos2, vec2};

use super::theme;

/// A part of an icon.
enum Part {
    Line(&'static [(f32, f32)]),
    Circle(f32, f32, f32),
    Dot(f32, f32, f32),
}

use Part::{Circle, Dot, Line};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    Upload,
    Download,
    Refresh,
    Search,
    Close,
    Check,
    Warning,
    Problem,
    Info,
    Copy,
    Delete,
    Disk,
    File,
    Cloud,
    Lab,
    Plus,
    Up,
    Down,
    Private,
    Public,
    Shared,
    Clock,
    Pause,
    Folder,
    Plug,
    Log,
    Half,
    Mine,
    Keyboard,
    Retry,
    Leave,
}

impl Icon {
    #[expect(clippy::too_many_lines, reason = "a table of drawings")]
    fn parts(self) -> &'static [Part] {
        match self {
            Self::Upload => &[
                Line(&[(4.0, 15.0), (4.0, 20.0), (20.0, 20.0), (20.0, 15.0)]),
                Line(&[(12.0, 16.0), (12.0, 4.0)]),
                Line(&[(7.0, 9.0), (12.0, 4.0), (17.0, 9.0)]),
            ],
            Self::Download => &[
                Line(&[(4.0, 15.0), (4.0, 20.0), (20.0, 20.0), (20.0, 15.0)]),
                Line(&[(12.0, 4.0), (12.0, 16.0)]),
                Line(&[(7.0, 11.0), (12.0, 16.0), (17.0, 11.0)]),
            ],
            Self::Refresh | Self::Retry => &[
                Line(&[
                    (19.5, 12.0),
                    (18.5, 15.8),
                    (15.8, 18.5),
                    (12.0, 19.5),
                    (8.2, 18.5),
                    (5.5, 15.8),
                    (4.5, 12.0),
                    (5.5, 8.2),
                    (8.2, 5.5),
                    (12.0, 4.5),
                    (15.8, 5.5),
                    (18.8, 8.6),
                ]),
                Line(&[(19.5, 3.5), (19.5, 9.0), (14.0, 9.0)]),
            ],
            Self::Search => &[Circle(10.5, 10.5, 6.5), Line(&[(15.3, 15.3), (20.5, 20.5)])],
            Self::Close => &[Line(&[(6.0, 6.0), (18.0, 18.0)]), Line(&[(18.0, 6.0), (6.0, 18.0)])],
            Self::Check => &[Line(&[(4.5, 12.5), (9.5, 17.5), (19.5, 7.0)])],
            Self::Warning => &[
                Line(&[(12.0, 4.0), (21.0, 20.0), (3.0, 20.0), (12.0, 4.0)]),
                Line(&[(12.0, 10.0), (12.0, 14.5)]),
                Dot(12.0, 17.3, 1.2),
            ],
            Self::Problem => {
                &[Circle(12.0, 12.0, 9.0), Line(&[(12.0, 7.0), (12.0, 13.0)]), Dot(12.0, 16.5, 1.2)]
            }
            Self::Info => {
                &[Circle(12.0, 12.0, 9.0), Line(&[(12.0, 11.0), (12.0, 17.0)]), Dot(12.0, 7.5, 1.2)]
            }
            Self::Copy => &[
                Line(&[(9.0, 9.0), (20.0, 9.0), (20.0, 20.0), (9.0, 20.0), (9.0, 9.0)]),
                Line(&[(5.5, 15.0), (4.0, 15.0), (4.0, 4.0), (15.0, 4.0), (15.0, 5.5)]),
            ],
            Self::Delete => &[
                Line(&[(4.0, 7.0), (20.0, 7.0)]),
                Line(&[(9.0, 7.0), (9.0, 4.0), (15.0, 4.0), (15.0, 7.0)]),
                Line(&[(6.0, 7.0), (7.0, 20.0), (17.0, 20.0), (18.0, 7.0)]),
                Line(&[(10.2, 11.0), (10.5, 16.5)]),
                Line(&[(13.8, 11.0), (13.5, 16.5)]),
            ],
            Self::Disk => &[
                Line(&[(4.0, 5.0), (20.0, 5.0), (20.0, 19.0), (4.0, 19.0), (4.0, 5.0)]),
                Line(&[(4.0, 14.0), (20.0, 14.0)]),
                Dot(16.5, 16.6, 1.1),
            ],
            Self::File => &[
                Line(&[(6.0, 3.5), (14.0, 3.5), (18.5, 8.0), (18.5, 20.5), (6.0, 20.5), (6.0, 3.5)]),
                Line(&[(13.5, 3.5), (13.5, 8.5), (18.5, 8.5)]),
            ],
            Self::Cloud => &[Line(&[
                (7.0, 18.5),
                (4.6, 17.5),
                (3.5, 15.0),
                (4.4, 12.4),
                (6.8, 11.2),
                (7.8, 8.0),
                (10.6, 6.0),
                (14.0, 6.4),
                (16.4, 8.6),
                (17.1, 11.4),
                (19.6, 12.3),
                (20.6, 14.8),
                (19.6, 17.4),
                (17.2, 18.5),
                (7.0, 18.5),
            ])],
            Self::Lab => &[
                Line(&[(9.0, 3.5), (15.0, 3.5)]),
                Line(&[(10.0, 3.5), (10.0, 10.0), (4.5, 19.0), (5.5, 20.5), (18.5, 20.5), (19.5, 19.0)]),
                Line(&[(19.5, 19.0), (14.0, 10.0), (14.0, 3.5)]),
                Line(&[(7.2, 15.0), (16.8, 15.0)]),
            ],
            Self::Plus => &[Line(&[(12.0, 5.0), (12.0, 19.0)]), Line(&[(5.0, 12.0), (19.0, 12.0)])],
            Self::Up => &[Line(&[(6.0, 15.0), (12.0, 9.0), (18.0, 15.0)])],
            Self::Down => &[Line(&[(6.0, 9.0), (12.0, 15.0), (18.0, 9.0)])],
            Self::Private => &[
                Line(&[(5.5, 11.0), (18.5, 11.0), (18.5, 20.5), (5.5, 20.5), (5.5, 11.0)]),
                Line(&[
                    (8.0, 11.0),
                    (8.0, 7.5),
                    (9.5, 4.8),
                    (12.0, 4.0),
                    (14.5, 4.8),
                    (16.0, 7.5),
                    (16.0, 11.0),
                ]),
            ],
            Self::Public => &[
                Circle(12.0, 12.0, 8.8),
                Line(&[(3.2, 12.0), (20.8, 12.0)]),
                Line(&[(12.0, 3.2), (8.6, 7.5), (8.0, 12.0), (8.6, 16.5), (12.0, 20.8)]),
                Line(&[(12.0, 3.2), (15.4, 7.5), (16.0, 12.0), (15.4, 16.5), (12.0, 20.8)]),
            ],
            Self::Shared => &[
                Circle(6.5, 12.0, 2.7),
                Circle(17.5, 5.8, 2.7),
                Circle(17.5, 18.2, 2.7),
                Line(&[(9.0, 10.6), (15.1, 7.1)]),
                Line(&[(9.0, 13.4), (15.1, 16.9)]),
            ],
            Self::Clock => &[Circle(12.0, 12.0, 8.8), Line(&[(12.0, 6.5), (12.0, 12.0), (15.8, 14.2)])],
            Self::Pause => &[
                Circle(12.0, 12.0, 8.8),
                Line(&[(9.8, 8.5), (9.8, 15.5)]),
                Line(&[(14.2, 8.5), (14.2, 15.5)]),
            ],
            Self::Folder => &[Line(&[
                (3.5, 19.0),
                (3.5, 5.5),
                (9.5, 5.5),
                (11.5, 8.0),
                (20.5, 8.0),
                (20.5, 19.0),
                (3.5, 19.0),
            ])],
            Self::Plug => &[
                Line(&[(8.5, 3.5), (8.5, 8.0)]),
                Line(&[(15.5, 3.5), (15.5, 8.0)]),
                Line(&[
                    (6.0, 8.0),
                    (18.0, 8.0),
                    (18.0, 11.5),
                    (15.0, 15.5),
                    (9.0, 15.5),
                    (6.0, 11.5),
                    (6.0, 8.0),
                ]),
                Line(&[(12.0, 15.5), (12.0, 20.5)]),
            ],
            Self::Log => &[
                Line(&[(4.0, 6.0), (20.0, 6.0)]),
                Line(&[(4.0, 12.0), (20.0, 12.0)]),
                Line(&[(4.0, 18.0), (14.0, 18.0)]),
            ],
            Self::Half => &[
                Circle(12.0, 12.0, 8.8),
                Line(&[(12.0, 3.2), (12.0, 20.8)]),
                Line(&[(15.0, 4.5), (15.0, 19.5)]),
                Line(&[(18.0, 6.8), (18.0, 17.2)]),
            ],
            Self::Mine => &[
                Circle(12.0, 8.0, 4.0),
                Line(&[(4.5, 20.5), (5.5, 16.5), (8.5, 14.5), (15.5, 14.5), (18.5, 16.5), (19.5, 20.5)]),
            ],
            Self::Keyboard => &[
                Line(&[(3.0, 6.5), (21.0, 6.5), (21.0, 17.5), (3.0, 17.5), (3.0, 6.5)]),
                Dot(7.0, 10.2, 1.0),
                Dot(12.0, 10.2, 1.0),
                Dot(17.0, 10.2, 1.0),
                Line(&[(8.0, 14.2), (16.0, 14.2)]),
            ],
            Self::Leave => &[
                Line(&[(13.0, 4.0), (5.0, 4.0), (5.0, 20.0), (13.0, 20.0)]),
                Line(&[(10.0, 12.0), (20.0, 12.0)]),
                Line(&[(16.0, 8.0), (20.0, 12.0), (16.0, 16.0)]),
            ],
        }
    }

    /// Draws the icon into the middle of `rect`.
    pub fn paint(self, painter: &Painter, rect: Rect, color: Color32) {
        let side = rect.width().min(rect.height());
        let scale = side / 24.0;
        let origin = rect.center() - vec2(side, side) / 2.0;
        let at = |x: f32, y: f32| -> Pos2 { pos2(origin.x + x * scale, origin.y + y * scale) };
        let stroke = Stroke::new((side / 11.0).max(1.2), color);
        for part in self.parts() {
            match part {
                Line(points) => {
                    let points: Vec<Pos2> = points.iter().map(|&(x, y)| at(x, y)).collect();
                    painter.line(points, stroke);
                }
                Circle(x, y, radius) => {
                    painter.circle_stroke(at(*x, *y), radius * scale, stroke);
                }
                Dot(x, y, radius) => {
                    painter.circle_filled(at(*x, *y), (radius * scale).max(0.9), color);
                }
            }
        }
    }

    /// The icon as a part of a button, in the colour of its text.
    pub fn atom(self) -> Atom<'static> {
        Atom::paint(vec2(theme::ICON, theme::ICON), move |ui: &Ui, args| {
            self.paint(ui.painter(), args.rect, args.fallback_text_color);
        })
    }

    /// The icon by itself, as decoration without a name.
    pub fn ui(self, ui: &mut Ui, side: f32, color: Color32) -> Response {
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        if ui.is_rect_visible(rect) {
            self.paint(ui.painter(), rect, color);
        }
        response
    }
}
