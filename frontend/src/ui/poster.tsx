/** A poster: the picture where there is one, and a drawing made from the title's id and genres where there is none. */
import { memo, useState } from "react";

interface Drawn {
  anime_id: number;
  title: string;
  title_japanese?: string | null;
  genres?: readonly string[];
  image_url?: string | null;
}

const HUES: Record<string, number> = {
  Action: 8,
  Adventure: 165,
  Comedy: 42,
  Drama: 222,
  Ecchi: 335,
  Fantasy: 265,
  Horror: 352,
  Mystery: 240,
  Romance: 340,
  "Sci-Fi": 196,
  "Slice of Life": 100,
  Sports: 26,
  Supernatural: 288,
  Suspense: 228,
};

type Motif = "rays" | "hills" | "dots" | "waves" | "moon" | "petals" | "orbits";
const ALL: readonly Motif[] = ["hills", "dots", "waves", "moon", "petals", "orbits"];

/** Above, below, and the light between them; and what may be drawn. */
const LOOKS: Record<string, { sky: [string, string, string]; motifs: readonly Motif[] }> = {
  Action: { sky: ["#f2785c", "#4a1a38", "#ffd9a8"], motifs: ["rays", "moon", "hills"] },
  Adventure: { sky: ["#5cc3a9", "#123c50", "#fff0c2"], motifs: ["hills", "waves"] },
  Comedy: { sky: ["#f5bd62", "#8c3a48", "#fff3cf"], motifs: ["dots", "petals"] },
  Drama: { sky: ["#86a2e6", "#25265c", "#ffe1d6"], motifs: ["waves", "moon"] },
  Ecchi: { sky: ["#f391a6", "#5c2352", "#ffe4d9"], motifs: ["petals", "dots"] },
  Fantasy: { sky: ["#a98ae6", "#261c58", "#ffe7bd"], motifs: ["hills", "moon"] },
  Horror: { sky: ["#a53b4b", "#150a16", "#f6b8a0"], motifs: ["moon"] },
  Mystery: { sky: ["#6d7ac8", "#17183c", "#e9e2ff"], motifs: ["moon", "orbits"] },
  Romance: { sky: ["#f59cb1", "#6c2856", "#ffe9e4"], motifs: ["petals"] },
  "Sci-Fi": { sky: ["#5fbadd", "#102a58", "#d6fff6"], motifs: ["orbits"] },
  "Slice of Life": { sky: ["#a9cc7f", "#275649", "#fff6c9"], motifs: ["hills", "petals"] },
  Sports: { sky: ["#f4a15c", "#5f2046", "#fff0c9"], motifs: ["rays", "hills"] },
  Supernatural: { sky: ["#be7dd6", "#2c1348", "#ffdcea"], motifs: ["moon", "waves"] },
  Suspense: { sky: ["#7f8fae", "#171d33", "#e6f0ff"], motifs: ["orbits", "moon"] },
};
const SKIES = Object.values(LOOKS).map((look) => look.sky);

/** A stream of numbers 0..1 that is the same for the same id (mulberry32). */
function chance(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** The hue that stands for a genre everywhere on the page, 0..360. */
export function hueOf(genre: string | undefined): number {
  return HUES[genre ?? ""] ?? 30;
}

export const Poster = memo(function Poster({ anime, eager = false }: { anime: Drawn; eager?: boolean }) {
  const [failed, setFailed] = useState(false);
  if (anime.image_url && !failed) {
    return (
      <img
        className="poster"
        src={anime.image_url}
        alt=""
        width={200}
        height={300}
        loading={eager ? "eager" : "lazy"}
        referrerPolicy="no-referrer"
        onError={() => setFailed(true)}
      />
    );
  }
  return <Drawing anime={anime} />;
});

function Drawing({ anime }: { anime: Drawn }) {
  const next = chance(anime.anime_id);
  const known = anime.genres?.find((name) => name in LOOKS);
  const look = known ? LOOKS[known] : undefined;
  const sky = look?.sky ?? SKIES[Math.floor(next() * SKIES.length)] ?? ["#86a2e6", "#25265c", "#ffe1d6"];
  const motifs = look?.motifs ?? ALL;
  const motif = motifs[Math.floor(next() * motifs.length)] ?? "hills";
  const id = `sky-${anime.anime_id}`;
  return (
    <svg className="poster" viewBox="0 0 200 300" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <linearGradient id={id} x1="0" y1="0" x2={next() < 0.5 ? "0.3" : "-0.2"} y2="1">
        <stop offset="0" stopColor={sky[0]} />
        <stop offset="1" stopColor={sky[1]} />
      </linearGradient>
      <rect width="200" height="300" fill={`url(#${id})`} />
      <Motive motif={motif} dark={sky[1]} glow={sky[2]} next={next} />
      <text x="100" y="150" className="poster-sign" textAnchor="middle" dominantBaseline="central" fill="#fff8ec">
        {firstSign(anime.title_japanese || anime.title)}
      </text>
    </svg>
  );
}

/** The first letter or sign that means something: 鋼 of 鋼の錬金術師, C of "Cowboy Bebop". */
function firstSign(title: string): string {
  return Array.from(title).find((sign) => /[\p{L}\p{N}]/u.test(sign))?.toUpperCase() ?? "・";
}

function Motive({ motif, dark, glow, next }: { motif: Motif; dark: string; glow: string; next: () => number }) {
  switch (motif) {
    case "hills": {
      const tops = [0, 1, 2].map((at) => 185 + at * 34 + next() * 22);
      return (
        <>
          <circle cx={50 + next() * 100} cy={60 + next() * 40} r={26 + next() * 16} fill={glow} opacity="0.85" />
          {tops.map((top, at) => (
            <path
              key={at}
              d={`M0 ${top} Q ${40 + next() * 30} ${top - 46 * next() - 8} 100 ${top + 4} T 200 ${top - 8} V300 H0Z`}
              fill={dark}
              opacity={0.38 + at * 0.22}
            />
          ))}
        </>
      );
    }
    case "waves":
      return (
        <g fill="none" stroke={glow} strokeWidth="2" opacity="0.4">
          {Array.from({ length: 5 }, (_, row) =>
            Array.from({ length: 6 }, (_, column) =>
              [24, 16, 8].map((radius) => (
                <circle
                  key={`${row}-${column}-${radius}`}
                  cx={column * 48 - (row % 2) * 24}
                  cy={216 + row * 22}
                  r={radius}
                />
              )),
            ),
          )}
        </g>
      );
    case "moon":
      return (
        <>
          <circle cx={100 + (next() - 0.5) * 70} cy="86" r={44 + next() * 14} fill={glow} opacity="0.7" />
          {Array.from({ length: 22 }, (_, at) => (
            <circle key={at} cx={next() * 200} cy={next() * 210} r={0.6 + next() * 1.3} fill="#fff" opacity="0.75" />
          ))}
          <path
            d={`M0 300V${232 + next() * 20}L42 ${206 + next() * 20}L78 ${236 + next() * 14}L124 ${196 + next() * 24}L166 ${234 + next() * 12}L200 ${212 + next() * 18}V300Z`}
            fill={dark}
          />
        </>
      );
    case "orbits": {
      const [x, y] = [60 + next() * 80, 90 + next() * 120];
      return (
        <g fill="none" stroke={glow} opacity="0.6">
          {[30, 56, 86, 122, 164].map((radius) => (
            <circle key={radius} cx={x} cy={y} r={radius} strokeWidth={0.8 + next()} strokeDasharray={next() < 0.4 ? "3 7" : ""} />
          ))}
          <circle cx={x + 56} cy={y} r="7" fill={glow} stroke="none" />
          <circle cx={x - 61} cy={y + 61} r="4" fill={glow} stroke="none" />
        </g>
      );
    }
    case "petals":
      return (
        <g fill={glow} opacity="0.62">
          {Array.from({ length: 20 }, (_, at) => (
            <ellipse
              key={at}
              cx="0"
              cy="0"
              rx={4 + next() * 7}
              ry={2.5 + next() * 3.5}
              transform={`translate(${next() * 200} ${next() * 300}) rotate(${next() * 180})`}
            />
          ))}
        </g>
      );
    case "dots":
      return (
        <g fill={glow} opacity="0.42">
          {Array.from({ length: 9 }, (_, row) =>
            Array.from({ length: 9 }, (_, column) => (
              <circle key={`${row}-${column}`} cx={column * 25 + (row % 2) * 12} cy={132 + row * 21} r={0.9 + row * 0.95} />
            )),
          )}
        </g>
      );
    case "rays": {
      const [x, y] = [40 + next() * 120, 225 + next() * 50];
      return (
        <g fill={glow} opacity="0.16">
          {Array.from({ length: 18 }, (_, at) => {
            const from = (at / 18) * Math.PI * 2 + next() * 0.1;
            const to = from + 0.09 + next() * 0.1;
            const far = (angle: number) => `${x + Math.cos(angle) * 420} ${y + Math.sin(angle) * 420}`;
            return <path key={at} d={`M${x} ${y}L${far(from)}L${far(to)}Z`} />;
          })}
        </g>
      );
    }
  }
}
