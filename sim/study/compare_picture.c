#include "study/compare_picture.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/text.h"

/* In pixels, where letters have 12. */
enum {
    MARGIN = 24,
    TITLE = 64,    /* above the first panels */
    ROW = 20,      /* a bar and the gap to the next */
    BAR = 13,      /* the thickness of a bar */
    LONGEST = 120, /* bar */
    PANEL = 230,   /* a bar, its value and the gap to the next panel */
    HEAD = 42,     /* a panel's title and unit */
    FOOT = 26,
    LETTER = 8, /* the widest that letters are on average */
    MOST_LETTERS = 120,
    PER_LINE = 4, /* panels side by side */
};

/* Text for a reader of XML; what is not ASCII is shown as '?'. */
static void write_escaped(struct text *text, const char *word, size_t most)
{
    for (size_t i = 0; word[i] != '\0' && i < most; i++) {
        switch (word[i]) {
        case '&':
            text_string(text, "&amp;");
            break;
        case '<':
            text_string(text, "&lt;");
            break;
        case '>':
            text_string(text, "&gt;");
            break;
        default:
            text_printf(text, "%c", word[i] >= ' ' && word[i] <= '~' ? word[i] : '?');
        }
    }
}

/* At most MOST_LETTERS of it; what is cut off ends with dots. */
static void write_short(struct text *text, const char *word)
{
    bool fits = strlen(word) <= MOST_LETTERS;
    write_escaped(text, word, fits ? MOST_LETTERS : MOST_LETTERS - 3);
    text_string(text, fits ? "" : "...");
}

static int gutter(const struct compare *compare)
{
    size_t most = 0;
    for (int32_t i = 0; i < compare->n_variants; i++) {
        size_t length = strlen(compare->variants[i].label);
        most = length > most ? length : most;
    }
    return LETTER * (int)(most < MOST_LETTERS ? most : MOST_LETTERS) + 12;
}

static double greatest(const struct compare_score *score, int32_t n)
{
    double most = 0;
    for (int32_t i = 0; i < n; i++) {
        double value = strtod(score->values[i], NULL);
        most = value > most ? value : most;
    }
    return most;
}

/* What stripes lie behind and the names at the left: once for the panels side by side. */
static void write_names(struct text *text, const struct compare *compare, int y,
                        int width)
{
    for (int32_t i = 0; i < compare->n_variants; i++) {
        int at = y + HEAD + ROW * i;
        if (i % 2 == 0) {
            text_printf(text,
                        "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                        "fill=\"#f4f4f4\"/>\n",
                        MARGIN, at, width - 2 * MARGIN, ROW);
        }
        text_printf(text, "<text x=\"%d\" y=\"%d\">", MARGIN + 4, at + 14);
        write_short(text, compare->variants[i].label);
        text_string(text, "</text>\n");
    }
}

static void write_bar(struct text *text, const struct compare_score *score, int32_t i,
                      double most, int x, int y)
{
    char value[COMPARE_SCORE_TEXT];
    double length = most > 0 ? strtod(score->values[i], NULL) / most * LONGEST : 0;
    bool won = score->won[i];
    compare_score_print(score, i, value);
    text_printf(text,
                "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
                x, y + (ROW - BAR) / 2, length, BAR, won ? "#0b5fa5" : "#a9b4bf");
    text_printf(text, "<text x=\"%.1f\" y=\"%d\"%s>%s%s</text>\n", x + length + 5,
                y + 14, won ? " font-weight=\"bold\"" : "", value, won ? " *" : "");
}

static void write_panel(struct text *text, const struct compare *compare,
                        const struct compare_score *score, int x, int y)
{
    static const char *const better[] = {
        [COMPARE_SCORE_LESS] = "less is better",
        [COMPARE_SCORE_MORE] = "more is better",
        [COMPARE_SCORE_NEITHER] = "neither is better",
    };
    int32_t n = compare->n_variants;
    double most = greatest(score, n);
    text_printf(
        text,
        "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n"
        "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#555555\">%s%s%s</text>\n",
        x, y + 14, score->title, x, y + 31, score->unit,
        score->unit[0] != '\0' ? ", " : "", better[score->better]);
    for (int32_t i = 0; i < n; i++) {
        write_bar(text, score, i, most, x, y + HEAD + ROW * i);
    }
    text_printf(text,
                "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#555555\"/>\n",
                x, y + HEAD, x, y + HEAD + ROW * n);
}

static void write_title(struct text *text, const struct compare *compare)
{
    text_printf(text, "<text x=\"%d\" y=\"34\" font-size=\"17\" font-weight=\"bold\">",
                MARGIN);
    write_short(text, compare->base.file);
    text_printf(
        text,
        " in %" PRId32 " variants</text>\n<text x=\"%d\" y=\"54\" "
        "fill=\"#555555\">Blue, bold and *: the best. Bars begin at 0.</text>\n",
        compare->n_variants, MARGIN);
}

int compare_picture_write(const struct compare *compare,
                          const struct compare_scores *scores, const char *folder,
                          struct err *err)
{
    struct text text;
    if (text_open(&text, folder, "compare.svg", err) != 0) {
        return -1;
    }
    int left = MARGIN + gutter(compare);
    int line = HEAD + ROW * compare->n_variants + FOOT;
    int width = left + PER_LINE * PANEL + MARGIN;
    int height = TITLE + line * ((scores->n + PER_LINE - 1) / PER_LINE) + MARGIN;
    text_printf(&text,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                "viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"Helvetica, Arial, "
                "'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#1a1a1a\">\n",
                width, height, width, height);
    text_string(&text, "<title>Variants of a configuration, compared</title>\n"
                       "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n");
    write_title(&text, compare);
    for (int32_t i = 0; i < scores->n; i++) {
        int y = TITLE + line * (i / PER_LINE);
        if (i % PER_LINE == 0) {
            write_names(&text, compare, y, width);
        }
        write_panel(&text, compare, &scores->list[i], left + PANEL * (i % PER_LINE), y);
    }
    text_string(&text, "</svg>\n");
    return text_close(&text, err);
}
