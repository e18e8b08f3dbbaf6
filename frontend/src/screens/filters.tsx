/** What a list should be like. A filter never empties a page that has more to give: the server refills it. */
import { Dialog, DialogDismiss, DialogHeading } from "@ariakit/react";
import { SlidersHorizontal, X } from "lucide-react";
import { type ChangeEvent, useState } from "react";
import { useGenres, useModel } from "../api/queries";
import { useMessages } from "../i18n";
import { ADULT, type Filters, FRANCHISES, MOST_WEIGHT, type Weights, type Wishes, countFilters, withWeight } from "../state/wishes";

interface Props {
  wishes: Wishes;
  onChange: (wishes: Wishes) => void;
  /** Whether there is only something to look through: no series to follow, no taste to weigh. */
  plain?: boolean;
}

export function FilterPanel({ wishes, onChange, plain = false }: Props) {
  const { t, known } = useMessages();
  const { data: genres } = useGenres();
  const { filters } = wishes;
  const labels = (genres?.genres ?? []).filter((name) => filters.adult || !ADULT.has(name));
  const set = (part: Partial<Filters>) => onChange({ ...wishes, filters: { ...filters, ...part } });

  return (
    <div className="filters">
      {plain ? null : (
      <label className="field">
        <span>{t("filter.franchise")}</span>
        <select
          value={wishes.franchise}
          onChange={(event) => {
            const franchise = FRANCHISES.find((name) => name === event.target.value);
            if (franchise) onChange({ ...wishes, franchise });
          }}
        >
          {FRANCHISES.map((name) => (
            <option key={name} value={name}>
              {t(`franchise.${name}`)}
            </option>
          ))}
        </select>
      </label>
      )}

      <fieldset>
        <legend>{t("filter.types")}</legend>
        <Toggles
          names={genres?.types ?? []}
          chosen={filters.types}
          label={(name) => known("type", name)}
          onChange={(types) => set({ types })}
        />
      </fieldset>

      <Range
        legend={t("filter.years")}
        from={filters.year_from}
        to={filters.year_to}
        hint={genres?.years}
        onChange={(year_from, year_to) => set({ year_from, year_to } as Partial<Filters>)}
      />

      <fieldset>
        <legend>{t("filter.genres")}</legend>
        <p className="hint">{t("filter.genres.hint")}</p>
        <Labels names={labels} filters={filters} set={set} />
        {(["themes", "demographics"] as const).map((group) => (
          <details key={group} className="more" open={(genres?.[group] ?? []).some((name) => isUsed(filters, name))}>
            <summary>{t(`filter.${group}`)}</summary>
            <Labels names={genres?.[group] ?? []} filters={filters} set={set} />
          </details>
        ))}
      </fieldset>

      <Range
        legend={t("filter.episodes")}
        from={filters.min_episodes}
        to={filters.max_episodes}
        onChange={(min_episodes, max_episodes) => set({ min_episodes, max_episodes } as Partial<Filters>)}
      />
      <NumberField
        label={t("filter.minutes")}
        value={filters.max_minutes}
        onChange={(max_minutes) => set({ max_minutes } as Partial<Filters>)}
      />
      <Range
        legend={t("filter.members")}
        from={filters.min_members}
        to={filters.max_members}
        onChange={(min_members, max_members) => set({ min_members, max_members } as Partial<Filters>)}
      />

      {(genres?.airing ?? []).length > 0 ? (
        <fieldset>
          <legend>{t("filter.airing")}</legend>
          <Toggles
            names={genres?.airing ?? []}
            chosen={filters.airing}
            label={(name) => known("airing", name)}
            onChange={(airing) => set({ airing })}
          />
        </fieldset>
      ) : null}

      <label className="check">
        <input type="checkbox" checked={filters.adult ?? false} onChange={(event) => set({ adult: event.target.checked })} />
        {t("filter.adult")}
      </label>
      {wishes.q === null && !plain ? (
        <label className="check">
          <input
            type="checkbox"
            checked={wishes.dislikes}
            onChange={(event) => onChange({ ...wishes, dislikes: event.target.checked })}
          />
          {t("filter.dislikes")}
        </label>
      ) : null}
      {wishes.q === null && wishes.model === null && !plain ? (
        <Parts weights={wishes.weights} onChange={(weights) => onChange({ ...wishes, weights })} />
      ) : null}

      {countFilters(filters) > 0 ? (
        <button type="button" className="button" onClick={() => onChange({ ...wishes, filters: {} })}>
          {t("filter.clear")}
        </button>
      ) : null}
    </div>
  );
}

interface TogglesProps {
  names: string[];
  chosen: string[] | undefined;
  label: (name: string) => string;
  onChange: (chosen: string[]) => void;
}

/** Any of some names. */
function Toggles({ names, chosen = [], label, onChange }: TogglesProps) {
  return (
    <div className="toggles">
      {names.map((name) => (
        <button
          key={name}
          type="button"
          className="toggle"
          aria-pressed={chosen.includes(name)}
          onClick={() => onChange(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name])}
        >
          {label(name)}
        </button>
      ))}
    </div>
  );
}

/** The filters behind a button, where there is no room for them beside the results. */
export function FilterSheet(props: Props) {
  const { t } = useMessages();
  const [open, setOpen] = useState(false);
  const used = countFilters(props.wishes.filters);
  return (
    <>
      <button type="button" className="button only-narrow" onClick={() => setOpen(true)}>
        <SlidersHorizontal size={18} aria-hidden="true" /> {t("filter.title")}
        {used > 0 ? <span className="count">{used}</span> : null}
      </button>
      <Dialog open={open} onClose={() => setOpen(false)} className="dialog sheet" backdrop={<div className="backdrop" />}>
        <div className="dialog-head">
          <DialogHeading className="dialog-title">{t("filter.title")}</DialogHeading>
          <DialogDismiss className="icon-button" aria-label={t("close")}>
            <X size={20} aria-hidden="true" />
          </DialogDismiss>
        </div>
        <FilterPanel {...props} />
        <DialogDismiss className="button primary sheet-done">{t("filter.done")}</DialogDismiss>
      </Dialog>
    </>
  );
}

/** A slider's value while it is moved, and its handlers: what it is set to is told when it is let go, not at every step. */
function useSliding(value: number, onChange: (value: number) => void) {
  const [moved, setMoved] = useState<number | null>(null);
  const finish = () => {
    if (moved !== null && moved !== value) onChange(moved);
    setMoved(null);
  };
  const now = moved ?? value;
  const handlers = {
    value: now,
    onChange: (event: ChangeEvent<HTMLInputElement>) => setMoved(Number(event.target.value)),
    onPointerUp: finish,
    onKeyUp: finish,
    onBlur: finish,
  };
  return { now, handlers };
}

/** How much each part of the blend says; 1 is as it was learned. */
function Parts({ weights, onChange }: { weights: Weights; onChange: (weights: Weights) => void }) {
  const { t, known } = useMessages();
  const { data: model } = useModel();
  const parts = model?.parts ?? [];
  const [open, setOpen] = useState(Object.keys(weights).length > 0);
  if (parts.length < 2) return null;
  return (
    <details className="more parts" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("parts.title")}</summary>
      <p className="hint">{t("parts.hint")}</p>
      {parts.map((part) => (
        <Part
          key={part}
          name={known("part", part)}
          value={weights[part] ?? 1}
          onChange={(value) => onChange(withWeight(weights, part, value))}
        />
      ))}
      <button type="button" className="button" disabled={Object.keys(weights).length === 0} onClick={() => onChange({})}>
        {t("parts.reset")}
      </button>
    </details>
  );
}

function Part({ name, value, onChange }: { name: string; value: number; onChange: (value: number) => void }) {
  const { t, number } = useMessages();
  const { now, handlers } = useSliding(value, onChange);
  const words = now === 1 ? t("parts.learned") : now === 0 ? t("parts.nothing") : `× ${number(now)}`;
  return (
    <label className="part">
      <span className="part-name">{name}</span>
      <span className="part-value" aria-hidden="true">
        {words}
      </span>
      <input
        type="range"
        min={0}
        max={MOST_WEIGHT}
        step={0.25}
        aria-valuetext={words}
        {...handlers}
      />
    </label>
  );
}

function isUsed(filters: Filters, name: string): boolean {
  return Boolean(filters.genres?.includes(name) || filters.not_genres?.includes(name));
}

/** Labels that go from "any" to "wanted" to "not wanted". */
function Labels({ names, filters, set }: { names: string[]; filters: Filters; set: (part: Partial<Filters>) => void }) {
  const { t, label } = useMessages();
  const next = (name: string) => {
    const wanted = filters.genres ?? [];
    const unwanted = filters.not_genres ?? [];
    if (wanted.includes(name)) {
      set({ genres: wanted.filter((one) => one !== name), not_genres: [...unwanted, name] });
    } else if (unwanted.includes(name)) set({ not_genres: unwanted.filter((one) => one !== name) });
    else set({ genres: [...wanted, name] });
  };
  return (
    <div className="toggles">
      {names.map((name) => {
        const state = filters.genres?.includes(name) ? "in" : filters.not_genres?.includes(name) ? "out" : "any";
        return (
          <button
            key={name}
            type="button"
            className={`toggle label-${state}`}
            aria-pressed={state !== "any"}
            onClick={() => next(name)}
          >
            {state === "out" ? <span aria-hidden="true">−</span> : state === "in" ? <span aria-hidden="true">+</span> : null}
            {label(name)}
            {state === "any" ? null : <span className="hidden-text">, {t(state === "in" ? "filter.in" : "filter.out")}</span>}
          </button>
        );
      })}
    </div>
  );
}

interface RangeProps {
  legend: string;
  from: number | undefined;
  to: number | undefined;
  hint?: number[] | undefined;
  onChange: (from: number | undefined, to: number | undefined) => void;
}

function Range({ legend, from, to, hint, onChange }: RangeProps) {
  const { t } = useMessages();
  return (
    <fieldset className="range">
      <legend>{legend}</legend>
      <NumberField label={t("filter.from")} value={from} placeholder={hint?.[0]} onChange={(value) => onChange(value, to)} short />
      <span aria-hidden="true">–</span>
      <NumberField label={t("filter.to")} value={to} placeholder={hint?.[1]} onChange={(value) => onChange(from, value)} short />
    </fieldset>
  );
}

interface NumberProps {
  label: string;
  value: number | undefined;
  placeholder?: number | undefined;
  onChange: (value: number | undefined) => void;
  short?: boolean;
}

/** A whole number, or nothing; asked for when it is finished, not at every key. */
function NumberField({ label, value, placeholder, onChange, short = false }: NumberProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const finish = () => {
    if (typed === null) return;
    const number = Number.parseInt(typed, 10);
    setTyped(null);
    onChange(number >= 1 ? number : undefined);
  };
  return (
    <label className={short ? "number" : "field"}>
      <span className={short ? "hidden-text" : ""}>{label}</span>
      <input
        type="text"
        inputMode="numeric"
        pattern="[0-9]*"
        placeholder={placeholder === undefined ? label : String(placeholder)}
        value={typed ?? (value === undefined ? "" : String(value))}
        onChange={(event) => setTyped(event.target.value)}
        onBlur={finish}
        onKeyDown={(event) => event.key === "Enter" && finish()}
      />
    </label>
  );
}

/** The slider between hidden gems and crowd-pleasers. */
export function Gems({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const { t } = useMessages();
  const { now, handlers } = useSliding(value, onChange);
  const words = now < 0 ? t("gems.hidden") : now > 0 ? t("gems.crowd") : t("gems.even");
  return (
    <div className="gems">
      <label htmlFor="gems" className="gems-label">
        {t("gems.hidden")}
      </label>
      <input
        id="gems"
        type="range"
        min={-1}
        max={1}
        step={0.25}
        aria-valuetext={words}
        {...handlers}
      />
      <span className="gems-label" aria-hidden="true">
        {t("gems.crowd")}
      </span>
    </div>
  );
}
